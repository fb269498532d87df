"""The tables of the console: its users, what lets them in, and the log of what they did."""

from __future__ import annotations

import sqlalchemy as sa

from damlink._state.tables import KeepableText, UtcDateTime, metadata

__all__ = ["audit", "console_access", "console_identity", "console_user"]

console_user = sa.Table(
    "console_user",
    metadata,
    sa.Column("name", KeepableText, primary_key=True),
    sa.Column("role", KeepableText, nullable=False),
    sa.Column("password", KeepableText),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

# Who a user is at an issuer of OpenID Connect. A user without a row here is known at this machine alone.
console_identity = sa.Table(
    "console_identity",
    metadata,
    sa.Column("issuer", KeepableText, primary_key=True),
    sa.Column("subject", KeepableText, primary_key=True),
    sa.Column("user", KeepableText, nullable=False, unique=True),
)

console_access = sa.Table(
    "console_access",
    metadata,
    sa.Column("hash", KeepableText, primary_key=True),
    sa.Column("kind", KeepableText, nullable=False),
    sa.Column("user", KeepableText, nullable=False),
    sa.Column("label", KeepableText, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime),
    sa.Index("console_access_user", "user", "kind"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", KeepableText, nullable=False),
    sa.Column("user", KeepableText, nullable=False),
    sa.Column("action", KeepableText, nullable=False),
    sa.Column("subject", KeepableText, nullable=False),
    sa.Column("details", KeepableText, nullable=False),
    sa.Column("previous", KeepableText, nullable=False),
    sa.Column("hash", KeepableText, nullable=False),
)
