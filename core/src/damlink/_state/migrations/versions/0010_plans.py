"""Saved plans, and the assets of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plan",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("connector", sa.Text, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("full", sa.Boolean, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("totals", sa.Text),
        sa.Column("begun_at", sa.DateTime(timezone=True)),
    )
    op.create_index("plan_connector", "plan", ["connector", "made_at"])
    op.create_table(
        "planned",
        sa.Column("plan", sa.Text, primary_key=True),
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("spends", sa.Text, nullable=False),
    )
    op.create_index("planned_number", "planned", ["plan", "number"])
