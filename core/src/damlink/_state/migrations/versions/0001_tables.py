"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "ledger",
        sa.Column("connector", sa.Text, primary_key=True),
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
        sa.Column("fingerprint_seen", sa.Text, nullable=False),
        sa.Column("fingerprint_carried", sa.Text),
        sa.Column("fingerprint_after", sa.Text),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text, nullable=False, server_default=""),
        sa.Column("due_at", MOMENT),
        sa.Column("epoch", sa.Integer),
        sa.Column("target_id", sa.Text),
        sa.Column("result", sa.Text),
        sa.Column("checkpoint", sa.LargeBinary),
        sa.Column("checkpoint_fingerprint", sa.Text),
        sa.Column("listed_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
    )
    op.create_index("ledger_due", "ledger", ["connector", "state", "due_at"])
    op.create_table(
        "cursor",
        sa.Column("connector", sa.Text, primary_key=True),
        sa.Column("value", sa.Text),
        sa.Column("selection", sa.Text, nullable=False),
        sa.Column("completed", sa.Text),
        sa.Column("updated_at", MOMENT, nullable=False),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("connector", sa.Text, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("exit_code", sa.Integer),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.Column("totals", sa.Text, nullable=False, server_default="{}"),
    )
    op.create_index("run_connector", "run", ["connector", "id"])
    op.create_table(
        "lease",
        sa.Column("connector", sa.Text, primary_key=True),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("heartbeat_at", MOMENT),
    )
    op.create_table(
        "value",
        sa.Column("connector", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "credential",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("version", sa.Integer, nullable=False, server_default="0"),
        sa.Column("held_by", sa.Text),
        sa.Column("held_until", MOMENT),
        sa.Column("updated_at", MOMENT, nullable=False),
    )
