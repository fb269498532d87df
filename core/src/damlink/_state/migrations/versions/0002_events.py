"""Events: the inbox of notifications, and the SNS topics."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("run", sa.Column("listing", sa.Boolean, nullable=False, server_default=sa.true()))
    op.create_table(
        "inbox",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("portal", sa.Text, nullable=False),
        sa.Column("asset_id", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("had", sa.Text, nullable=False, server_default="[]"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text, nullable=False, server_default=""),
        sa.UniqueConstraint("portal", "topic", "message_id", name="inbox_message"),
    )
    op.create_index("inbox_open", "inbox", ["finished_at", "portal", "asset_id"])
    op.create_table(
        "topic",
        sa.Column("portal", sa.Text, primary_key=True),
        sa.Column("arn", sa.Text, primary_key=True),
        sa.Column("token", sa.LargeBinary),
        sa.Column("noted_at", MOMENT, nullable=False),
        sa.Column("approved_at", MOMENT),
        sa.Column("confirmed_at", MOMENT),
    )
