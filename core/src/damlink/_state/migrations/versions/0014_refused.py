"""Messages of queues that were refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from damlink._state.tables import KeepableText, Message, UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refused",
        sa.Column("portal", KeepableText, primary_key=True),
        sa.Column("message_id", KeepableText, primary_key=True),
        sa.Column("reason", Message, nullable=False),
        sa.Column("message", Message, nullable=False),
        sa.Column("first_at", UtcDateTime, nullable=False),
        sa.Column("last_at", UtcDateTime, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
    )
