"""Identity of the database, and a count for each connector: they reveal a restored backup."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("identity", sa.Column("id", sa.Text, primary_key=True))
    op.create_table(
        "carried",
        sa.Column("connector", sa.Text, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
