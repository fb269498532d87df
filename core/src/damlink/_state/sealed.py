"""Columns with encrypted values: the names that the values are bound to, and encryption with another key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

import attrs
import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database
from damlink._state.tables import credential, ledger, topic

__all__ = ["SEALED_COLUMNS", "checkpoint_name", "credential_name", "reseal", "topic_name"]

ROWS_AT_ONCE: Final = 200  # keeps write transactions short


class Sealer(Protocol):
    """Cipher for values. The state itself contains no cryptography."""

    def seal(self, data: bytes, name: Sequence[str]) -> bytes:
        """Encrypt a value, bound to a name."""

    def open(self, sealed: bytes, name: Sequence[str]) -> bytes:
        """Decrypt the value of a name."""

    def is_current(self, sealed: bytes) -> bool:
        """Return whether a value is encrypted with the first key."""


def credential_name(name: str) -> tuple[str, ...]:
    """Return the name that a secret or token is bound to."""
    return ("credential", name)


def checkpoint_name(connector: str, source_id: str, fingerprint: str) -> tuple[str, ...]:
    """Return the name that the checkpoint of a transfer is bound to."""
    return ("checkpoint", connector, source_id, fingerprint)


def topic_name(portal: str, arn: str) -> tuple[str, ...]:
    """Return the name that the confirmation token of a topic is bound to."""
    return ("topic", portal, arn)


@repeat_conflicts
@attrs.frozen
class SealedColumn:
    """A column with encrypted values.

    Attributes:
        kind: the first part of the names.
        bound: the columns with the other parts of the names.
    """

    kind: str
    column: sa.Column[Any]
    bound: tuple[sa.Column[Any], ...]

    def pages(self, database: Database) -> Iterator[Sequence[sa.Row[Any]]]:
        """Yield pages of rows with a value: the value, the primary key, the bound columns."""
        key = tuple(self.column.table.primary_key)
        query = sa.select(self.column, *key, *(column.label(f"bound_{column.name}") for column in self.bound))
        query = query.where(self.column.is_not(None)).order_by(*key).limit(ROWS_AT_ONCE)
        after: tuple[Any, ...] | None = None
        while True:
            page = query if after is None else query.where(sa.tuple_(*key) > sa.tuple_(*after))
            with database.read() as connection:
                rows = connection.execute(page).all()
            if not rows:
                return
            yield rows
            after = tuple(rows[-1][1 : 1 + len(key)])

    def reseal(self, database: Database, cipher: Sealer) -> int:
        """Encrypt values of former keys with the first key; return how many."""
        key = tuple(self.column.table.primary_key)
        count = 0
        for rows in self.pages(database):
            old = [row for row in rows if not cipher.is_current(row[0])]
            if not old:
                continue
            with database.write() as connection:
                for row in old:
                    name = (self.kind, *row[1 + len(key) :])
                    sealed = cipher.seal(cipher.open(row[0], name), name)
                    here = (each == row[1 + at] for at, each in enumerate(key))
                    change = sa.update(self.column.table).where(*here, self.column == row[0])
                    count += connection.execute(change.values({self.column.name: sealed})).rowcount
        return count


SEALED_COLUMNS: Final = (
    SealedColumn("credential", credential.c.sealed, (credential.c.name,)),
    SealedColumn(
        "checkpoint",
        ledger.c.checkpoint,
        (ledger.c.connector, ledger.c.source_id, ledger.c.checkpoint_fingerprint),
    ),
    SealedColumn("topic", topic.c.token, (topic.c.portal, topic.c.arn)),
)


def reseal(database: Database, cipher: Sealer) -> int:
    """Encrypt all values of former keys with the first key of the cipher; return how many.

    Each page is a transaction of its own: after a crash, call it again for the remaining ones.
    """
    return sum(column.reseal(database, cipher) for column in SEALED_COLUMNS)
