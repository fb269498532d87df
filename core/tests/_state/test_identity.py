from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from damlink._model import PushResult, SourceAsset
from damlink._run.backup_marker import Marker, accept, is_restored, verify_not_restored
from damlink._state.database import Database
from damlink._state.identity import Identity
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink.errors import StateError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def marker(database: Database) -> Marker:
    return Marker(Identity(database).ensure(), "stock")


def carry(database: Database, marker: Marker, source_id: str) -> None:
    with Lease(database, "stock") as lease:
        ledger = Ledger(database, "stock", lease.epoch, on_carried=marker.note)
        ledger.record(Listed([SourceAsset(source_id, "a")]), "s")
        row = ledger.claim()
        assert row is not None
        ledger.mark_pushed(row, PushResult("x"))


def restore(database: Database, count: int) -> None:
    """Take the database back to when so much had been carried."""
    with database.write() as connection:
        connection.exec_driver_sql(f"UPDATE carried SET count = {count}")


def test_marker_when_assets_are_carried_is_as_far_as_the_database(database: Database, marker: Marker) -> None:
    carry(database, marker, "1")
    assert marker.read() == Identity(database).count("stock") == 2
    assert not is_restored(database, "stock")


@pytest.mark.parametrize(("count", "is_refused"), [(0, True), (1, True), (2, False), (9, False)])
def test_database_when_older_than_its_marker_is_refused_and_when_newer_is_not(
    database: Database, marker: Marker, count: int, is_refused: bool
) -> None:
    carry(database, marker, "1")
    restore(database, count)
    assert is_restored(database, "stock") is is_refused


def test_database_when_accepted_goes_on_under_another_identity(database: Database, marker: Marker) -> None:
    carry(database, marker, "1")
    restore(database, 1)
    with pytest.raises(StateError, match="`damlink state accept`"):
        verify_not_restored(database, "stock")
    before = Identity(database).get()
    accept(database, ["stock"])
    assert Identity(database).get() != before
    assert not is_restored(database, "stock")
    progress = Ledger(database, "stock").progress()
    assert progress.look_until is not None
    assert progress.look_until > NOW


def test_marker_when_noted_late_never_goes_back(marker: Marker) -> None:
    for count in (5, 3):
        marker.note(count, durable=True)
    assert marker.read() == 5


@pytest.mark.parametrize("use", [Marker.read, lambda marker: marker.note(1)], ids=["read", "note"])
def test_marker_when_its_folder_cannot_be_used_says_what_to_do(
    marker: Marker, use: Callable[[Marker], object], tmp_path: Path
) -> None:
    marker.path.mkdir(parents=True)
    with pytest.raises(StateError, match="DAMLINK_STATE_DIR"):
        use(marker)
