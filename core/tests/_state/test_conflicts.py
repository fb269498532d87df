"""Deadlocks of a real PostgreSQL, and that every writer of the state begins again after one."""

from __future__ import annotations

import ast
import importlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

import damlink._state
from damlink._model import SourceAsset
from damlink._state.conflicts import ATTEMPTS, ConflictError, repeating
from damlink._state.database import Database
from damlink._state.inbox import Inbox
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink.errors import StateError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FOLDER = Path(damlink._state.__file__).parent
ASSETS = [SourceAsset(each, "b") for each in ("1", "2")]
CHANGE = "UPDATE ledger SET reason = 'x' WHERE source_id = %s"


@pytest.fixture
def crossing(url: str, ledger: Ledger, eventually: Callable[..., Any]) -> Iterator[Callable[[], None]]:
    """Another transaction that has locked row 2; called, it wants row 1 once somebody waits for row 2."""
    ledger.record(Listed([SourceAsset(each, "a") for each in ("1", "2")]), "s")
    address = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with psycopg.connect(address) as other, psycopg.connect(address, autocommit=True) as looking:
        other.execute("SET deadlock_timeout = '60s'")  # so that the other side notices first, and gives way
        other.execute(CHANGE, ["2"])

        def cross() -> None:
            eventually(lambda: looking.execute(waiting).fetchone()[0])
            other.execute(CHANGE, ["1"])
            other.commit()

        yield cross


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize("writer", ["listing", "events"])
def test_write_when_it_meets_a_deadlock_is_begun_again(
    database: Database, ledger: Ledger, crossing: Callable[[], None], writer: str
) -> None:
    writes: dict[str, Callable[[], object]] = {
        "listing": lambda: ledger.record(Listed(ASSETS), "s"),
        "events": lambda: Inbox(database).settle(iter(()), {"stock": ASSETS}),
    }
    thread = threading.Thread(target=writes[writer])
    thread.start()
    crossing()
    thread.join()
    assert {row.source_id: row.fingerprint_seen for row in ledger.rows()} == {"1": "b", "2": "b"}


def test_repeating_when_the_conflict_ends_returns_the_result() -> None:
    tries: list[tuple[int, ...]] = []

    @repeating
    def write(rows: Iterator[int]) -> str:
        tries.append(tuple(rows))
        if len(tries) < 3:
            raise ConflictError("deadlock detected")
        return "written"

    assert write(iter([1, 2])) == "written"
    assert tries == [(1, 2)] * 3


def test_repeating_when_the_conflict_never_ends_gives_up_with_a_hint() -> None:
    tries: list[None] = []

    @repeating
    def write() -> None:
        tries.append(None)
        raise ConflictError("deadlock detected")

    with pytest.raises(StateError, match="^deadlock detected; run again; nothing is lost$"):
        write()
    assert len(tries) == ATTEMPTS


BEGINNINGS = {
    "write",
    "_write",
    "_end_transfers",
    "_end_transfer",
}  # context managers; their users begin again


def writers() -> Iterator[tuple[str, str, str]]:
    """Every method of the state with a writing transaction; what a generator writes its users begin again."""
    for path in sorted(FOLDER.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for owner in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
            methods = (node for node in owner.body if isinstance(node, ast.FunctionDef))
            yield from ((path.stem, owner.name, each.name) for each in methods if begins(each))


def begins(function: ast.FunctionDef) -> bool:
    nodes = [*ast.walk(function)]
    used = [item.context_expr for node in nodes if isinstance(node, ast.With) for item in node.items]
    calls = [each.func for each in used if isinstance(each, ast.Call)]
    begun = any(isinstance(each, ast.Attribute) and each.attr in BEGINNINGS for each in calls)
    return begun and not any(isinstance(node, ast.Yield) for node in nodes)


def test_writers_that_are_no_methods_begin_again_too() -> None:
    texts = [path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py")]
    functions = [node for text in texts for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    named = [(each.name, each) for each in functions if begins(each)]
    decorated = {name: [ast.unparse(each) for each in function.decorator_list] for name, function in named}
    assert [name for name, given in decorated.items() if "repeating" not in given] == []


@pytest.mark.parametrize(("module", "owner", "name"), [*writers()])
def test_writer_when_it_meets_a_conflict_begins_again(module: str, owner: str, name: str) -> None:
    imported = importlib.import_module(f"damlink._state.{module}")
    assert hasattr(vars(getattr(imported, owner))[name], "__wrapped__")
