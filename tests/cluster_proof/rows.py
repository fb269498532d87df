"""What one question takes at very many rows, on PostgreSQL and on SQLite."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from damlink import SourceAsset
from damlink._config.load import load
from damlink._run.session import Session
from damlink._run.standing import describe_connector
from damlink._serve.metrics import Metrics
from damlink._state.database import Database
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.worker import Worker
from damlink._state.worker_records import list_workers

__all__ = ["ask_of_file", "ask_of_server"]

# As many as a run stores at once.
PAGE_ROWS: Final = 1_000
PAGES: Final = 300
FILL_SERVER: Final = """
INSERT INTO ledger (connector, source_id, state, title, raw, fingerprint_seen, due_at, listed_at, updated_at)
SELECT 'stock', 'asset ' || n, CASE WHEN n %% 20 = 0 THEN 'due' ELSE 'pushed' END, 'An asset', '{}', 'a',
       CASE WHEN n %% 20 = 0 THEN now() END, now(), now()
FROM generate_series(1, %s) AS n
"""
FILL_FILE: Final = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
INSERT INTO ledger (connector, source_id, state, title, raw, fingerprint_seen, due_at, listed_at, updated_at)
SELECT 'stock', 'asset ' || n, CASE WHEN n % 20 = 0 THEN 'due' ELSE 'pushed' END, 'An asset', '{}', 'a',
       CASE WHEN n % 20 = 0 THEN datetime('now') || '.000000' END,
       datetime('now') || '.000000', datetime('now') || '.000000'
FROM numbers
"""


def ask_of_server(folder: Path, url: str, count: int, name: str) -> dict[str, Any]:
    """Fill the ledger of a PostgreSQL, and ask as a worker does; in milliseconds."""
    with psycopg.connect(url, autocommit=True) as filling:
        filling.execute(FILL_SERVER, [count])
        filling.execute("VACUUM ANALYZE ledger")
    with (
        contextlib.closing(Database(url, folder)) as database,
        Worker(database, name) as worker,
        worker.share("stock") as epoch,
    ):
        return _ask_all(folder, database, Ledger(database, "stock", epoch, worker=worker.number), count)


def ask_of_file(folder: Path, count: int) -> dict[str, Any]:
    """Fill the ledger of a SQLite file, and ask as a run does; in milliseconds."""
    with contextlib.closing(Database("sqlite:///rows.db", folder)) as database:
        with database.write() as connection:
            connection.exec_driver_sql(FILL_FILE, {"count": count})
        with Lease(database, "stock") as lease:
            return _ask_all(folder, database, Ledger(database, "stock", lease.epoch), count)


def _ask_all(folder: Path, database: Database, ledger: Ledger, count: int) -> dict[str, Any]:
    with Session(load(folder / "damlink.toml"), database=database) as session:
        metrics = Metrics(session)
        pages = _list_unchanged(count)

        def ask_status() -> None:
            describe_connector(session, "stock")
            session.pace.budget()
            list_workers(database)

        def ask_nothing() -> None:
            with database.read() as connection:
                connection.execute(sa.text("SELECT 1"))

        def store_page() -> None:
            page = next(pages)
            tally = ledger.record(page, "all")
            assert tally.unchanged == len(page.assets)

        asked: dict[str, tuple[Callable[[], Any], int]] = {
            "nothing": (ask_nothing, 300),
            "claim": (ledger.claim, 300),
            "page": (store_page, PAGES),
            "status": (ask_status, 40),
            "metrics": (metrics.text, 40),
        }
        return {what: _percentiles(list(_times(ask, times))) for what, (ask, times) in asked.items()}


def _list_unchanged(count: int) -> Iterator[Listed]:
    """Yield pages of assets as they are known, from the whole of the ledger."""
    while True:
        for first in range(1, count - PAGE_ROWS, max(count // PAGES, PAGE_ROWS)):
            assets = [SourceAsset(f"asset {n}", "a") for n in range(first, first + PAGE_ROWS)]
            yield Listed(assets, cursor=f"{first}")


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
        "mean": round(sum(ordered) / len(ordered), 2),
        "p99": round(ordered[int(len(ordered) * 0.99)], 1),
    }
