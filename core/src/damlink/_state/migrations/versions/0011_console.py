"""Users of the console, what lets them in, and the log of what they did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from damlink._state.triggers import guard_audit

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "console_user",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    op.create_table(
        "console_access",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT),
    )
    op.create_index("console_access_user", "console_access", ["user", "kind"])
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("at", "user", "action", "subject", "details", "previous", "hash")
        ),
    )
    guard_audit(op.get_bind())
