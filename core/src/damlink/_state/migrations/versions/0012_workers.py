"""Workers: processes that claim rows one by one. The columns are added without rewriting the table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from damlink._state.tables import KeepableText, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ledger", sa.Column("claimed_by", sa.Integer))
    op.add_column("ledger", sa.Column("claim", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "worker",
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
