"""An index of the urgent rows, built beside the writers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# On PostgreSQL without a transaction: the index is built from the whole table.
IS_CONCURRENT = True


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # What an interrupted attempt has left is not used, and keeps the name.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ledger_urgent")
    op.create_index(
        "ledger_urgent",
        "ledger",
        ["is_urgent", "connector", "state", "due_at", "source_id"],
        sqlite_where=sa.text("is_urgent = 1"),
        postgresql_where=sa.text("is_urgent"),
        postgresql_concurrently=True,
    )
