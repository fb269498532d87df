"""Many rows bound as one parameter, so that a page of a listing is one statement, however long it is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from damlink._state.tables import KeepableText

__all__ = ["bind_page"]

Column = sa.Column[Any]


def bind_page(connection: sa.Connection, values: Mapping[Column, Sequence[Any]]) -> sa.FromClause:
    """Return a table with these columns, as a part of a statement; its rows are in the given order."""
    bound = {column: _bind(column, each, connection.dialect) for column, each in values.items()}
    make = _json_table if connection.dialect.name == "sqlite" else _array_table
    return make(bound)


def _bind(column: Column, values: Sequence[Any], dialect: sa.Dialect) -> Sequence[Any]:
    """Convert values for the driver, as SQLAlchemy does value by value."""
    process = column.type.dialect_impl(dialect).bind_processor(dialect)
    # The driver's wrapper of bytes does not fit in an array.
    if process is None or _is_binary(column):
        return values
    if isinstance(column.type, KeepableText) and None not in values:
        # Hardly ever must a text be changed: all are verified together.
        together = "\n".join(values)
        if process(together) == together:
            return values
    return [process(value) for value in values]


def _json_table(bound: Mapping[Column, Sequence[Any]]) -> sa.FromClause:
    # JSON has no bytes: those of a column are bound together, and each row has the place of its own.
    spans = {column: _spans_of(each) if _is_binary(column) else each for column, each in bound.items()}
    rows = json.dumps(list(zip(*spans.values(), strict=True)), ensure_ascii=False)
    row = sa.func.json_each(rows).table_valued("value").c.value
    parts = (
        _json_part(row, f"$[{place}]", column, each) for place, (column, each) in enumerate(bound.items())
    )
    return sa.select(*parts).subquery()


def _json_part(row: Any, path: str, column: Column, values: Sequence[Any]) -> sa.ColumnElement[Any]:
    if not _is_binary(column):
        return _extract(row, path, column.type).label(column.name)
    together = sa.literal(b"".join(each or b"" for each in values), sa.LargeBinary)
    span = (_extract(row, f"{path}[{at}]", sa.Integer()) for at in (0, 1))
    return sa.func.substr(together, *span, type_=column.type).label(column.name)


def _extract(row: Any, path: str, kind: Any) -> sa.ColumnElement[Any]:
    # The path is text of the statement: a bound one would be parsed again for each row.
    return sa.func.json_extract(row, sa.literal_column(f"'{path}'"), type_=kind)


def _is_binary(column: Column) -> bool:
    return isinstance(column.type, sa.LargeBinary)


def _spans_of(values: Sequence[bytes | None]) -> list[tuple[int, int] | None]:
    """Return the beginning, counted from 1, and the length of each value in all of them together."""
    ends = itertools.accumulate(len(each or b"") for each in values)
    return [
        None if each is None else (end - len(each) + 1, len(each))
        for each, end in zip(values, ends, strict=True)
    ]


def _array_table(bound: Mapping[Column, Sequence[Any]]) -> sa.FromClause:
    arrays = (
        sa.cast(list(values), postgresql.ARRAY(getattr(column.type, "impl_instance", column.type)))
        for column, values in bound.items()
    )
    columns = (sa.column(column.name, column.type) for column in bound)
    return sa.func.unnest(*arrays).table_valued(*columns).render_derived()
