"""`ctx.state`: durable key-value store of one connector."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database, insert_into, upsert
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
        text = self._read_text(key)
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

    def keys(self) -> list[str]:
        """Return the keys that have a value, sorted."""
        query = sa.select(t.c.key).where(t.c.connector == self._connector)
        with self._database.read() as connection:
            return sorted(connection.execute(query).scalars())

    def update(self, key: str, function: Callable[[Any], Any], default: Any = None) -> Any:
        """Replace the value of a key by what a function makes of it, or of `default`; return the new one.

        The function runs outside the transaction: its result is stored if the value is still the one that
        it was given, and otherwise it is called again.

        Raises:
            NotKeepableError: the key or the new value cannot be stored.
        """
        while True:
            before = self._read_text(key)
            after = function(default if before is None else json.loads(before))
            text = _dump(key, after)
            if self._replace(key, before, text):
                return json.loads(text)

    def _replace(self, key: str, before: str | None, text: str) -> bool:
        """Store a text if the stored one is still `before`; return whether it was."""
        row = {"connector": self._connector, "key": key, "value": text}
        with self._database.write() as connection:
            if before is None:
                added = insert_into(connection, t).values(row).on_conflict_do_nothing().returning(t.c.key)
                return connection.execute(added).first() is not None
            changed = sa.update(t).where(*self._at(key), t.c.value == before).values(value=text)
            return bool(connection.execute(changed).rowcount)

    def _read_text(self, key: str) -> str | None:
        with self._database.read() as connection:
            text: str | None = connection.execute(sa.select(t.c.value).where(*self._at(key))).scalar()
            return text

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
        self._lock = threading.RLock()

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

    def keys(self) -> list[str]:
        """Return the keys that have a value, sorted."""
        stored = {key for key in (self._kept.keys() if self._kept else ()) if key not in self._put}
        return sorted(stored.union(key for key, text in self._put.items() if text is not None))

    def update(self, key: str, function: Callable[[Any], Any], default: Any = None) -> Any:
        """Replace a value in memory by what a function makes of it, or of `default`; return the new one."""
        with self._lock:
            self.put(key, function(self.get(key, default)))
            return self.get(key)


def _dump(key: str, value: Any) -> str:
    if key != "" and not is_key(key):
        hint = f"write a text of at most {MAX_KEY_BYTES} bytes without NUL and half surrogates"
        raise NotKeepableError(f"the key of ctx.state is {show(key)}; {hint}")
    return json.dumps(strict_json(value, f"ctx.state {key!r}", str))
