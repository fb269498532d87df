"""The tables. Times are UTC, JSON is text, encrypted values are bytes."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import attrs
import sqlalchemy as sa

from damlink._secret import redact
from damlink._system.keepable import clean

__all__ = [
    "KeepableText",
    "Message",
    "UtcDateTime",
    "alembic_version",
    "awaited",
    "carried",
    "counter",
    "credential",
    "cursor",
    "history",
    "identity",
    "inbox",
    "latency",
    "lease",
    "ledger",
    "metadata",
    "pace_account",
    "pace_lease",
    "pace_used",
    "plan",
    "planned",
    "read_record",
    "refusal",
    "refused",
    "run",
    "topic",
    "value",
    "worker",
]


T = TypeVar("T")


class UtcDateTime(sa.TypeDecorator[datetime]):
    """Column type of a moment in UTC, on databases with and without time zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        """Convert a moment to UTC."""
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        """Add the time zone that SQLite does not store."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class KeepableText(sa.TypeDecorator[str]):
    """Column type of text without NUL and half surrogates, which databases refuse; see `_system.keepable`."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:  # noqa: ARG002
        """Clean the text."""
        return clean(value) if isinstance(value, str) else value


class Message(KeepableText):
    """Column type of text from an answer or an exception: stored without the secrets that it may contain."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        """Clean the text and redact its secrets."""
        kept = super().process_bind_param(value, dialect)
        return redact(kept) if kept else kept


def read_record(kind: type[T], row: Any, **converted: Any) -> T:
    """Create an attrs record from the columns of a row with the names of its fields.

    Args:
        converted: values of fields that differ from their columns.
    """
    names = (name for name in _names_of(cast(Any, kind)) if name not in converted)
    return kind(**converted, **{name: getattr(row, name) for name in names})


@functools.cache
def _names_of(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(kind))


metadata = sa.MetaData()

alembic_version = sa.Table(  # read here, written by Alembic
    "alembic_version", metadata, sa.Column("version_num", sa.String(32), primary_key=True)
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("connector", KeepableText, primary_key=True),
    sa.Column("source_id", KeepableText, primary_key=True),
    sa.Column("state", KeepableText, nullable=False),
    sa.Column("title", Message, nullable=False),
    sa.Column("raw", KeepableText, nullable=False),
    sa.Column("fingerprint_seen", KeepableText, nullable=False),
    sa.Column("fingerprint_carried", KeepableText),
    sa.Column("fingerprint_after", KeepableText),
    sa.Column("reason", Message, nullable=False, server_default=""),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_error", Message, nullable=False, server_default=""),
    sa.Column("due_at", UtcDateTime),
    sa.Column("epoch", sa.Integer),
    sa.Column("target_id", KeepableText),
    sa.Column("result", KeepableText),
    sa.Column("checkpoint", sa.LargeBinary),
    sa.Column("checkpoint_fingerprint", KeepableText),
    sa.Column("listed_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("waits_for", KeepableText),
    sa.Column("last_requests", Message),
    sa.Column("raw_packed", sa.LargeBinary),
    sa.Column("claimed_by", sa.Integer),
    sa.Column("claim", sa.Integer, nullable=False, server_default="0"),
    sa.Column("is_urgent", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("ledger_next", "connector", "state", "due_at", "source_id"),
)
# What events have made due: few rows beside those of listings. SQLite takes a partial index for a condition
# in the very same words, and prefers the index with the most columns that a query compares.
sa.Index(
    "ledger_urgent",
    ledger.c.is_urgent,
    ledger.c.connector,
    ledger.c.state,
    ledger.c.due_at,
    ledger.c.source_id,
    sqlite_where=sa.text("is_urgent = 1"),
    postgresql_where=ledger.c.is_urgent,
)
_waits = ledger.c.waits_for.is_not(None)
sa.Index("ledger_waits", ledger.c.waits_for, ledger.c.source_id, sqlite_where=_waits, postgresql_where=_waits)

_has_target = ledger.c.target_id.is_not(None)
sa.Index(
    "ledger_target",
    ledger.c.connector,
    ledger.c.target_id,
    sqlite_where=_has_target,
    postgresql_where=_has_target,
)

# Written by triggers: the number of rows is the sum over the shards.
counter = sa.Table(
    "counter",
    metadata,
    sa.Column("connector", KeepableText, primary_key=True),
    sa.Column("state", KeepableText, primary_key=True),
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("count", sa.BigInteger, nullable=False),
)

# Written by triggers, and never changed.
history = sa.Table(
    "history",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("connector", KeepableText, nullable=False),
    sa.Column("source_id", KeepableText, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("run", sa.Integer),
    sa.Column("from_state", KeepableText, nullable=False),
    sa.Column("to_state", KeepableText, nullable=False),
    sa.Column("cause", Message, nullable=False),
    sa.Column("requests", Message),
    sa.Index("history_asset", "connector", "source_id", "id"),
)

cursor = sa.Table(
    "cursor",
    metadata,
    sa.Column("connector", KeepableText, primary_key=True),
    sa.Column("value", KeepableText),
    sa.Column("selection", KeepableText, nullable=False),
    sa.Column("completed", KeepableText),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("source", KeepableText),
    sa.Column("target", KeepableText),
    sa.Column("portal", KeepableText),
    sa.Column("look_since", UtcDateTime),
    sa.Column("look_until", UtcDateTime),
)

identity = sa.Table("identity", metadata, sa.Column("id", KeepableText, primary_key=True))

carried = sa.Table(
    "carried",
    metadata,
    sa.Column("connector", KeepableText, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)

run = sa.Table(
    "run",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("connector", KeepableText, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("owner", KeepableText, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("exit_code", sa.Integer),
    sa.Column("error", Message, nullable=False, server_default=""),
    sa.Column("totals", KeepableText, nullable=False, server_default="{}"),
    sa.Column("listing", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("every", sa.Integer),
    sa.Index("run_connector", "connector", "id"),
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("connector", KeepableText, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("owner", KeepableText, nullable=False),
    sa.Column("heartbeat_at", UtcDateTime),
)

# Processes that carry on PostgreSQL; an ended one never comes back under its number.
worker = sa.Table(
    "worker",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("owner", KeepableText, nullable=False),
    sa.Column("session", KeepableText, nullable=False),
    sa.Column("version", KeepableText, nullable=False),
    sa.Column("only", KeepableText, nullable=False, server_default="[]"),
    sa.Column("threads", sa.Integer, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("heartbeat_at", UtcDateTime, nullable=False),
    sa.Column("drains", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("ended_at", UtcDateTime),
)

# The account of an egress address, in seconds of the server's clock: see `shared_pace`.
pace_account = sa.Table(
    "pace_account",
    metadata,
    sa.Column("address", KeepableText, primary_key=True),
    sa.Column("silent_until", sa.Double, nullable=False),
    sa.Column("next_at", sa.Double, nullable=False),
    sa.Column("reserved_until", sa.Double, nullable=False),
)

pace_used = sa.Table(
    "pace_used",
    metadata,
    sa.Column("address", KeepableText, primary_key=True),
    sa.Column("at", sa.Double, primary_key=True),
    sa.Column("urgent", sa.Boolean, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)

pace_lease = sa.Table(
    "pace_lease",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("address", KeepableText, nullable=False),
    sa.Column("worker", sa.Integer),
    sa.Column("urgent", sa.Boolean, nullable=False),
    sa.Column("open", sa.Integer, nullable=False),
    sa.Column("reported_at", sa.Double, nullable=False),
)

value = sa.Table(
    "value",
    metadata,
    sa.Column("connector", KeepableText, primary_key=True),
    sa.Column("key", KeepableText, primary_key=True),
    sa.Column("value", KeepableText, nullable=False),
)

credential = sa.Table(
    "credential",
    metadata,
    sa.Column("name", KeepableText, primary_key=True),
    sa.Column("sealed", sa.LargeBinary),
    sa.Column("version", sa.Integer, nullable=False, server_default="0"),
    sa.Column("held_by", KeepableText),
    sa.Column("held_until", UtcDateTime),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("topic", KeepableText, nullable=False),
    sa.Column("message_id", KeepableText, nullable=False),
    sa.Column("portal", KeepableText, nullable=False),
    sa.Column("asset_id", KeepableText, nullable=False),
    sa.Column("subject", KeepableText, nullable=False),
    sa.Column("message", KeepableText, nullable=False),
    sa.Column("occurred_at", UtcDateTime, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("had", KeepableText, nullable=False, server_default="[]"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_error", Message, nullable=False, server_default=""),
    sa.UniqueConstraint("portal", "topic", "message_id", name="inbox_message"),
    sa.Index("inbox_open", "finished_at", "portal", "asset_id"),
)

# Rows that an event has made due and that are not delivered yet.
awaited = sa.Table(
    "awaited",
    metadata,
    sa.Column("connector", KeepableText, primary_key=True),
    sa.Column("source_id", KeepableText, primary_key=True),
    sa.Column("received_at", UtcDateTime, nullable=False),
)

latency = sa.Table(
    "latency",
    metadata,
    sa.Column("connector", KeepableText, primary_key=True),
    sa.Column("day", KeepableText, primary_key=True),
    sa.Column("bucket", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("count", sa.BigInteger, nullable=False),
)

topic = sa.Table(
    "topic",
    metadata,
    sa.Column("portal", KeepableText, primary_key=True),
    sa.Column("arn", KeepableText, primary_key=True),
    sa.Column("token", sa.LargeBinary),
    sa.Column("noted_at", UtcDateTime, nullable=False),
    sa.Column("approved_at", UtcDateTime),
    sa.Column("confirmed_at", UtcDateTime),
)

refused = sa.Table(
    "refused",
    metadata,
    sa.Column("portal", KeepableText, primary_key=True),
    sa.Column("message_id", KeepableText, primary_key=True),
    sa.Column("reason", Message, nullable=False),
    sa.Column("message", Message, nullable=False),
    sa.Column("first_at", UtcDateTime, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
)

refusal = sa.Table(
    "refusal",
    metadata,
    sa.Column("portal", KeepableText, primary_key=True),
    sa.Column("day", KeepableText, primary_key=True),
    sa.Column("outcome", KeepableText, primary_key=True),
    sa.Column("topic", KeepableText, primary_key=True),
    sa.Column("reason", Message, nullable=False),
    sa.Column("last_message", KeepableText, nullable=False),
    sa.Column("first_at", UtcDateTime, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
    sa.Column("times", sa.BigInteger, nullable=False),
)

# Complete once it has totals.
plan = sa.Table(
    "plan",
    metadata,
    sa.Column("id", KeepableText, primary_key=True),
    sa.Column("connector", KeepableText, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("full", sa.Boolean, nullable=False),
    sa.Column("basis", KeepableText, nullable=False),
    sa.Column("totals", KeepableText),
    sa.Column("begun_at", UtcDateTime),
    sa.Index("plan_connector", "connector", "made_at"),
)

planned = sa.Table(
    "planned",
    metadata,
    sa.Column("plan", KeepableText, primary_key=True),
    sa.Column("source_id", KeepableText, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("fingerprint", KeepableText, nullable=False),
    sa.Column("action", KeepableText, nullable=False),
    sa.Column("title", Message, nullable=False),
    sa.Column("why", Message, nullable=False),
    sa.Column("size", sa.BigInteger),
    sa.Column("requests", sa.Integer, nullable=False),
    sa.Column("spends", KeepableText, nullable=False),
    sa.Index("planned_number", "plan", "number"),
)
