"""How long an event waits while a back-fill runs, and what one question takes at very many rows."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from loopback import Site, until

from damlink._config.load import load
from damlink._run.session import Session
from damlink._run.standing import describe_connector
from damlink._serve.metrics import Metrics
from damlink._state.database import Database
from damlink._state.inbox import Inbox, Notification
from damlink._state.ledger import Ledger
from damlink._state.worker import Worker
from damlink._state.worker_records import list_workers

__all__ = ["EVERY_SECONDS", "PAUSE_SECONDS", "measure_rows", "time_events"]

# An event takes some ten requests, and the reserved tenth is 45 in 30 s.
EVERY_SECONDS: Final = 8.0
# Bynder's advised pause, for which an event rests.
PAUSE_SECONDS: Final = 5.0
FILL: Final = """
INSERT INTO ledger (connector, source_id, state, title, raw, fingerprint_seen, due_at, listed_at, updated_at)
SELECT 'stock', 'asset ' || n, CASE WHEN n %% 20 = 0 THEN 'due' ELSE 'pushed' END, 'An asset', '{}', 'a',
       CASE WHEN n %% 20 = 0 THEN now() END, now(), now()
FROM generate_series(1, %s) AS n
"""


def time_events(site: Site, url: str, connector: str, seconds: float) -> dict[str, list[float]]:
    """Tag an asset now and then; return the seconds, beyond the pause, until each was begun and pushed."""
    told: dict[str, float] = {}
    seen: dict[str, dict[str, float]] = {"begun": {}, "pushed": {}}
    with contextlib.closing(Database(url, site.folder)) as database, psycopg.connect(url) as asking:
        inbox, ends, next_at = Inbox(database), time.monotonic() + seconds, 0.0

        def look() -> bool:
            query = "SELECT source_id, state FROM ledger WHERE connector = %s AND source_id = ANY(%s)"
            for key, state in asking.execute(query, [connector, [*told]]):
                if state != "due":
                    seen["begun"].setdefault(key, time.monotonic())
                if state == "pushed":
                    seen["pushed"].setdefault(key, time.monotonic())
            asking.commit()
            return len(seen["pushed"]) == len(told)

        while time.monotonic() < ends:
            if time.monotonic() >= next_at:
                next_at = time.monotonic() + EVERY_SECONDS
                key = _tag(site, inbox, len(told))
                told[key] = time.monotonic()
            look()
            time.sleep(0.1)
        until(look, 120, pause=0.1)
    return {
        what: sorted(round(moment - told[key] - PAUSE_SECONDS, 2) for key, moment in each.items())
        for what, each in seen.items()
    }


def _tag(site: Site, inbox: Inbox, number: int) -> str:
    asset = site.portal.control(
        "add_asset", {"name": f"tagged {number}", "tags": ["protect"], "media": number % 3}
    )
    key = str(asset["id"])
    inbox.put(
        Notification(
            portal="brand",
            topic="topic",
            message_id=f"message {number}",
            subject="asset_bank.media.meta_updated",
            message=json.dumps({"media_id": key}),
            occurred_at=datetime.now(UTC),
        )
    )
    return key


def measure_rows(folder: Path, url: str, count: int, name: str) -> dict[str, Any]:
    """Fill the ledger, and measure a claim, the counts of a status, and the metrics; in milliseconds."""
    with psycopg.connect(url, autocommit=True) as filling:
        filling.execute(FILL, [count])
        filling.execute("ANALYZE ledger")
    with (
        contextlib.closing(Database(url, folder)) as database,
        Session(load(folder / "damlink.toml"), database=database) as session,
        Worker(database, name) as worker,
        worker.share("stock") as epoch,
    ):
        ledger = Ledger(database, "stock", epoch, worker=worker.number)
        metrics = Metrics(session)

        def ask_status() -> None:
            describe_connector(session, "stock")
            session.pace.budget()
            list_workers(database)

        def ask_nothing() -> None:
            with database.read() as connection:
                connection.execute(sa.text("SELECT 1"))

        asked: dict[str, tuple[Callable[[], Any], int]] = {
            "nothing": (ask_nothing, 300),
            "claim": (ledger.claim, 300),
            "status": (ask_status, 40),
            "metrics": (metrics.text, 40),
        }
        return {what: _percentiles(list(_times(ask, times))) for what, (ask, times) in asked.items()}


def _times(ask: Callable[[], Any], times: int) -> Iterator[float]:
    ask()
    for _ in range(times):
        began = time.perf_counter()
        ask()
        yield (time.perf_counter() - began) * 1000


def _percentiles(found: list[float]) -> dict[str, float]:
    ordered = sorted(found)
    return {
        "median": round(ordered[len(ordered) // 2], 1),
        "p99": round(ordered[int(len(ordered) * 0.99)], 1),
    }
