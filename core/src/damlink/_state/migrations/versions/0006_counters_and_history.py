"""Counters of the ledger's rows, and the history of each row; triggers keep both."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from damlink._state.triggers import install_triggers, recount

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ledger", sa.Column("last_requests", sa.Text))
    op.create_table(
        "counter",
        sa.Column("connector", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, primary_key=True),
        sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "history",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("connector", sa.Text, nullable=False),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run", sa.Integer),
        sa.Column("from_state", sa.Text, nullable=False),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("requests", sa.Text),
    )
    op.create_index("history_asset", "history", ["connector", "source_id", "id"])
    recount(op.get_bind())
    install_triggers(op.get_bind())
