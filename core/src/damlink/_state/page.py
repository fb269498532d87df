"""Many rows bound as one parameter, so that a page of a listing is one statement, however long it is."""

from __future__ import annotations

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
    if process is None:
        return values
    if isinstance(column.type, KeepableText) and None not in values:
        # Hardly ever must a text be changed: all are verified together.
        together = "\n".join(values)
        if process(together) == together:
            return values
    return [process(value) for value in values]


def _json_table(bound: Mapping[Column, Sequence[Any]]) -> sa.FromClause:
    rows = json.dumps(list(zip(*bound.values(), strict=True)), ensure_ascii=False)
    row = sa.func.json_each(rows).table_valued("value").c.value
    # The paths are text of the statement: a bound one would be parsed again for each row.
    parts = (
        sa.func.json_extract(row, sa.literal_column(f"'$[{place}]'"), type_=column.type).label(column.name)
        for place, column in enumerate(bound)
    )
    return sa.select(*parts).subquery()


def _array_table(bound: Mapping[Column, Sequence[Any]]) -> sa.FromClause:
    arrays = (
        sa.cast(list(values), postgresql.ARRAY(getattr(column.type, "impl_instance", column.type)))
        for column, values in bound.items()
    )
    columns = (sa.column(column.name, column.type) for column in bound)
    return sa.func.unnest(*arrays).table_valued(*columns).render_derived()
