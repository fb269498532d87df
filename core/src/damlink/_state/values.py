"""`ctx.state`: durable key-value store of one connector."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database, upsert
from damlink._state.tables import value as t
from damlink._system.keepable import MAX_KEY_BYTES, NotKeepableError, is_key, show, strict_json

__all__ = ["ReadOnlyValues", "Values"]


@repeat_conflicts
class Values:
    """JSON values by key; each `put` commits."""

    def __init__(self, database: Database, connector: str) -> None:
        self._database = database
        self._connector = connector

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or `default`."""
        with self._database.read() as connection:
            text = connection.execute(sa.select(t.c.value).where(*self._at(key))).scalar()
        return default if text is None else json.loads(text)

    def put(self, key: str, value: Any) -> None:
        """Store a JSON value.

        Raises:
            NotKeepableError: the key or the value cannot be stored.
        """
        text = _dump(key, value)
        row = {"connector": self._connector, "key": key, "value": text}
        with self._database.write() as connection:
            upsert(connection, t, row, {"value": text})

    def delete(self, key: str) -> None:
        """Delete a key."""
        with self._database.write() as connection:
            connection.execute(sa.delete(t).where(*self._at(key)))

    def _at(self, key: str) -> tuple[sa.ColumnElement[bool], ...]:
        return (t.c.connector == self._connector, t.c.key == key)


class ReadOnlyValues:
    """Read from the database and keep writes in memory. Used by `plan` and `check`.

    Args:
        kept: the stored values, if there is a database.
    """

    def __init__(self, kept: Values | None) -> None:
        self._kept = kept
        # Values as JSON; `None` marks a deleted key.
        self._put: dict[str, str | None] = {}

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or `default`."""
        if key not in self._put:
            return self._kept.get(key, default) if self._kept else default
        text = self._put[key]
        return default if text is None else json.loads(text)

    def put(self, key: str, value: Any) -> None:
        """Store a JSON value in memory.

        Raises:
            NotKeepableError: the key or the value cannot be stored.
        """
        self._put[key] = _dump(key, value)

    def delete(self, key: str) -> None:
        """Delete a key in memory."""
        self._put[key] = None


def _dump(key: str, value: Any) -> str:
    if key != "" and not is_key(key):
        hint = f"write a text of at most {MAX_KEY_BYTES} bytes without NUL and half surrogates"
        raise NotKeepableError(f"the key of ctx.state is {show(key)}; {hint}")
    return json.dumps(strict_json(value, f"ctx.state {key!r}", str))
