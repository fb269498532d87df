"""The account of requests that all workers behind one egress address share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from damlink._state.tables import KeepableText

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pace_account",
        sa.Column("address", KeepableText, primary_key=True),
        sa.Column("silent_until", sa.Double, nullable=False),
        sa.Column("next_at", sa.Double, nullable=False),
        sa.Column("reserved_until", sa.Double, nullable=False),
    )
    op.create_table(
        "pace_used",
        sa.Column("address", KeepableText, primary_key=True),
        sa.Column("at", sa.Double, primary_key=True),
        sa.Column("urgent", sa.Boolean, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_table(
        "pace_lease",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("address", KeepableText, nullable=False),
        sa.Column("worker", sa.Integer),
        sa.Column("urgent", sa.Boolean, nullable=False),
        sa.Column("open", sa.Integer, nullable=False),
        sa.Column("reported_at", sa.Double, nullable=False),
    )
