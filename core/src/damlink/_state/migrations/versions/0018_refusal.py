"""Refused messages at event addresses, counted by day and topic."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from damlink._state.tables import KeepableText, Message, UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refusal",
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
