"""At 100,000 rows no write of the ledger keeps other writers out for a second."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa

from damlink._model import PushResult, Removed, SourceAsset
from damlink._state.accounts import Accounts
from damlink._state.database import Database
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.reader import LedgerReader
from damlink._state.rows import Row

ROWS: Final = 100_000
HELD: Final = 30_000
LONGEST_SECONDS: Final = 1.0
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)

SEED: Final = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)
INSERT INTO ledger (connector, source_id, state, title, raw, fingerprint_seen, target_id, epoch, due_at,
                    listed_at, updated_at)
SELECT :connector, CAST(i AS TEXT), :state, 'title', '{}', 'a', :target, :epoch, :now, :now, :now FROM n
"""

STATES: Final = {
    "claim": ("due", HELD),
    "retarget": ("pushed", HELD),
    "elsewhere": ("pushed", ROWS),
    "release": ("running", ROWS),
    "forget": ("pushed", ROWS),
    "stock": ("due", ROWS),
}
"""The connectors: the state of their rows, and how many. What changes all rows has one of its own."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with several connectors of very many rows."""
    folder = tmp_path_factory.mktemp("large")
    is_sqlite = request.param == "sqlite"
    url = "sqlite:///large.db" if is_sqlite else request.getfixturevalue("postgres")()
    with contextlib.closing(Database(url, folder)) as database:
        for connector, (state, rows) in STATES.items():
            target = "target" if state == "pushed" else None
            values = {"rows": rows, "connector": connector, "state": state, "target": target, "epoch": 1}
            with database.write() as connection:
                connection.execute(sa.text(SEED), values | {"now": NOW.strftime("%Y-%m-%d %H:%M:%S.%f")})
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
        yield database


def worked(connection: sa.Connection) -> float:
    """The seconds that the processor worked for this thread and its session: others' work does not count."""
    server = getattr(connection.connection.dbapi_connection, "info", None)
    return time.thread_time() + (0.0 if server is None else processor_seconds(server.backend_pid))


def processor_seconds(process: int) -> float:
    """The processor time of a process, as Linux tells it."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def timed(database: Database) -> Iterator[list[float]]:
    """Collect the seconds of work in each write transaction."""
    began: dict[int, float] = {}
    seconds: list[float] = []

    def begin(connection: sa.Connection) -> None:
        began[id(connection.connection.dbapi_connection)] = worked(connection)

    def end(connection: sa.Connection) -> None:
        seconds.append(worked(connection) - began[id(connection.connection.dbapi_connection)])

    with contextlib.ExitStack() as listening:
        for name, listener in (("begin", begin), ("commit", end), ("rollback", end)):
            sa.event.listen(database.engine, name, listener)
            listening.callback(sa.event.remove, database.engine, name, listener)
        yield seconds


def batch() -> Listed:
    return Listed([SourceAsset(f"{number}", "b") for number in range(200)], "cursor")


def taken(ledger: Ledger) -> Row:
    row = ledger.claim()
    assert row is not None
    return row


WRITES: Final[dict[str, Callable[[Ledger], Any]]] = {
    "record": lambda ledger: ledger.record(batch(), "s"),
    "refuse": lambda ledger: ledger.refuse("1", None, "title", "why"),
    "complete": lambda ledger: ledger.complete("s"),
    "claim": lambda ledger: ledger.claim(),
    "mark_pushed": lambda ledger: ledger.mark_pushed(taken(ledger), PushResult("x")),
    "mark_skipped": lambda ledger: ledger.mark_skipped(taken(ledger), "x"),
    "mark_removed": lambda ledger: ledger.mark_removed(taken(ledger), Removed("x"), None),
    "mark_rejected": lambda ledger: ledger.mark_rejected(taken(ledger), "x"),
    "mark_failed": lambda ledger: ledger.mark_failed(taken(ledger), "x"),
    "mark_waiting": lambda ledger: ledger.mark_waiting(taken(ledger), "x", timedelta()),
    "mark_uncertain": lambda ledger: ledger.mark_uncertain(taken(ledger), "x"),
    "checkpoint": lambda ledger: ledger.checkpoint(taken(ledger), b"x"),
    "revive": lambda ledger: ledger.revive(taken(ledger)),
    "adapt": lambda ledger: ledger.adapt(Accounts(), from_beginning=True),
    "look_in_portal": lambda ledger: ledger.look_in_portal(),
    "retarget": lambda ledger: ledger.retarget(drops_checkpoints=True),
    "begin_round": lambda ledger: ledger.begin_round(),
    "release": lambda ledger: ledger.release(),
    "forget": lambda ledger: ledger.forget(),
}


def test_writes_when_enumerated_are_all_of_the_ledger() -> None:
    own = {*dir(Ledger)} - {*dir(LedgerReader)}
    methods = {name for name in own if not name.startswith("_") and callable(getattr(Ledger, name))}
    assert WRITES.keys() == methods


@pytest.mark.parametrize("write", WRITES)
def test_write_when_there_are_very_many_rows_is_short(large: Database, write: str) -> None:
    connector = write if write in STATES else "stock"
    with Lease(large, connector) as lease:
        epoch = 1 if write == "release" else lease.epoch
        ledger = Ledger(large, connector, epoch, siblings=("elsewhere",) if write == "claim" else ())
    with timed(large) as seconds:
        WRITES[write](ledger)
    assert seconds
    assert max(seconds) < LONGEST_SECONDS


def test_claim_when_a_sibling_holds_very_many_rows_passes_them_by(large: Database) -> None:
    with Lease(large, "claim") as lease:
        ledger = Ledger(large, "claim", lease.epoch, siblings=("elsewhere",))
    ledger.record(Listed([SourceAsset("new", "a")]), "s")
    row = ledger.claim()
    assert row is not None
    assert row.source_id == "new"
    assert ledger.counts() == {"running": 1, "skipped": HELD}
