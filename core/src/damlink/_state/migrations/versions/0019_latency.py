"""Times from an event to the delivery that it has caused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from damlink._state.tables import KeepableText, UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "awaited",
        sa.Column("connector", KeepableText, primary_key=True),
        sa.Column("source_id", KeepableText, primary_key=True),
        sa.Column("received_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "latency",
        sa.Column("connector", KeepableText, primary_key=True),
        sa.Column("day", KeepableText, primary_key=True),
        sa.Column("bucket", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
