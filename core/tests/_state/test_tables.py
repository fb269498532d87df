"""The last defence: whatever reaches a text column is kept, or refused by name, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from damlink._state.database import Database
from damlink._state.tables import KeepableText, metadata
from damlink._state.values import ReadOnlyValues, Values
from damlink._system.keepable import REPLACEMENT, NotKeepableError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FILLINGS: dict[type[Any], Any] = {str: "text", bytes: b"bytes", int: 1, float: 1.0, bool: True, datetime: NOW}
NOT_KEPT = {
    "NUL": ("a\0b", f"a{REPLACEMENT}b"),
    "half a surrogate": ("a\ud83d", f"a{REPLACEMENT}"),
    "the other half": ("\ude00a", f"{REPLACEMENT}a"),
    "two halves": ("\ud83d\ude00", "\N{GRINNING FACE}"),
}


def kind(column: sa.Column[Any]) -> type[Any]:
    """The Python type of what a column holds, decorated or not."""
    plain: type[Any] = getattr(column.type, "impl_instance", column.type).python_type
    return plain


# The version is Alembic's, which writes digits.
COLUMNS = [
    column
    for table in metadata.sorted_tables
    if table.name != "alembic_version"
    for column in table.columns
    if kind(column) is str
]


@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_column_when_it_holds_text_is_of_the_type_that_can_be_kept(column: sa.Column[Any]) -> None:
    assert isinstance(column.type, KeepableText)


@pytest.mark.parametrize(("value", "kept"), NOT_KEPT.values(), ids=NOT_KEPT)
@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_column_when_given_what_a_database_cannot_keep_holds_it_replaced(
    database: Database, column: sa.Column[Any], value: str, kept: str
) -> None:
    others = {each.name: FILLINGS[kind(each)] for each in column.table.columns}
    with database.write() as connection:
        connection.execute(sa.insert(column.table).values(others | {column.name: value}))
    with database.read() as connection:
        assert connection.execute(sa.select(column)).scalar_one() == kept
        assert connection.execute(sa.select(column).where(column == value)).scalar_one() == kept


# --- ctx.state -------------------------------------------------------------------------------------


@pytest.fixture(params=["kept", "borrowed", "borrowed from nothing"])
def values(request: pytest.FixtureRequest, database: Database) -> Values | ReadOnlyValues:
    kept = Values(database, "stock")
    return {
        "kept": kept,
        "borrowed": ReadOnlyValues(kept),
        "borrowed from nothing": ReadOnlyValues(None),
    }[request.param]


def test_values_when_a_key_is_deleted_give_the_default(values: Values | ReadOnlyValues) -> None:
    values.put("a", 1)
    values.delete("a")
    assert (values.get("a"), values.get("a", 0)) == (None, 0)


def test_values_when_none_is_put_give_none_and_not_the_default(values: Values | ReadOnlyValues) -> None:
    values.put("a", None)
    assert values.get("a", 0) is None


def test_values_when_borrowed_delete_what_is_kept_for_themselves_alone(database: Database) -> None:
    kept = Values(database, "stock")
    kept.put("a", 1)
    borrowed = ReadOnlyValues(kept)
    borrowed.delete("a")
    assert (borrowed.get("a", 0), kept.get("a", 0)) == (0, 1)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        pytest.param((1, 2), [1, 2], id="tuple"),
        pytest.param({1: "a"}, {"1": "a"}, id="number as a key"),
        pytest.param({"a": float("nan")}, {"a": None}, id="no number"),
        pytest.param("a\0\ud83d", "a\0\ud83d", id="NUL and half a surrogate"),
    ],
)
def test_values_when_put_are_read_as_json_would_have_them(
    values: Values | ReadOnlyValues, value: Any, read: Any
) -> None:
    values.put("a", value)
    assert values.get("a") == read


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        pytest.param("a", NOW, r"ctx.state 'a' is datetime .*; write its isoformat\(\)", id="datetime"),
        pytest.param("a", {"b": [b"x"]}, r"ctx.state 'a'\.b\[0\] is bytes .*; write its hex", id="bytes"),
        pytest.param("a", {("b",): 1}, r"ctx.state 'a': the key is tuple", id="odd key"),
        pytest.param("a\0", 1, r"the key of ctx.state is str 'a\\x00'", id="NUL in the key"),
        pytest.param("\ud83d", 1, "the key of ctx.state is str", id="half a surrogate in the key"),
        pytest.param("a" * 1025, 1, "at most 1024 bytes", id="long key"),
        pytest.param(5, 1, "the key of ctx.state is int 5", id="number as the key"),
    ],
)
def test_values_when_they_cannot_be_kept_are_refused_by_name(
    values: Values | ReadOnlyValues, key: Any, value: Any, said: str
) -> None:
    with pytest.raises(NotKeepableError, match=said):
        values.put(key, value)
