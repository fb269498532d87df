"""The audit log is only added to, and a change of it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from damlink._state.audit import FIRST, Audit
from damlink._state.console_tables import audit as t
from damlink._state.database import Database
from damlink.errors import StateError


def _fill(database: Database, count: int = 3) -> Audit:
    audit = Audit(database)
    for number in range(count):
        audit.note("ann", "retry", f"id-{number}", {"state": ["failed", "due"]})
    return audit


def _unguard(connection: sa.Connection) -> None:
    """What someone with the whole database can do."""
    names = ("audit_no_update", "audit_no_delete")
    statements = {
        "sqlite": [f"DROP TRIGGER {name}" for name in names],
        "postgresql": ["DROP TRIGGER audit_guarded ON audit"],
    }
    for statement in statements[connection.dialect.name]:
        connection.exec_driver_sql(statement)


def test_log_when_written_chains_each_entry_to_the_one_before(database: Database) -> None:
    audit = _fill(database)
    entries = audit.latest(10)
    assert [each.number for each in entries] == [3, 2, 1]
    assert [each.previous for each in entries] == [entries[1].hash, entries[2].hash, FIRST]
    assert audit.verify() == entries[0]
    assert audit.latest(1, before=3) == [entries[1]]


def test_log_when_empty_is_whole(database: Database) -> None:
    assert Audit(database).verify() is None


@pytest.mark.parametrize(
    "change",
    [
        sa.update(t).where(t.c.number == 2).values(user="bob"),
        sa.update(t).where(t.c.number == 2).values(details="{}"),
        sa.update(t).where(t.c.number == 2).values(at="2020-01-01T00:00:00+00:00"),
        sa.delete(t).where(t.c.number == 2),
        sa.delete(t).where(t.c.number == 1),
    ],
    ids=["who", "what", "when", "missing", "first-missing"],
)
def test_log_when_changed_behind_our_back_names_the_entry(database: Database, change: Any) -> None:
    audit = _fill(database)
    with database.write() as connection:
        _unguard(connection)
        connection.execute(change)
    with pytest.raises(StateError, match=r"entry [12] of the audit log was changed"):
        audit.verify()


@pytest.mark.parametrize("change", [sa.update(t).values(user="bob"), sa.delete(t)], ids=["update", "delete"])
def test_log_when_changed_by_a_statement_is_refused_by_the_database(database: Database, change: Any) -> None:
    audit = _fill(database)
    with pytest.raises(StateError), database.write() as connection:
        connection.execute(change)
    assert audit.verify() == audit.latest(1)[0]


def test_log_when_many_write_at_once_is_one_chain(
    database: Database, together: Callable[..., list[Any]]
) -> None:
    audit = Audit(database)
    together(8, lambda number: audit.note("ann", "retry", str(number)))
    last = audit.verify()
    assert last is not None
    assert last.number == 8


def test_entry_when_it_holds_what_a_database_cannot_keep_is_hashed_as_kept(database: Database) -> None:
    audit = Audit(database)
    audit.note("ann\0", "retry", "\ud83d", {"a\0": "\x1b[31m"})
    assert audit.verify() is not None
