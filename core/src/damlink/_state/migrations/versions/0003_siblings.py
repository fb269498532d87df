"""Connectors of one plugin and portal wait for each other; an index for claiming that covers the order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Rows were skipped while the other connector was carrying the asset, even if it did not deliver it later.
REPAIR = """
UPDATE ledger SET state = 'due', due_at = updated_at, reason = ''
WHERE state = 'skipped' AND reason LIKE 'already brought by %' AND EXISTS (
    SELECT 1 FROM ledger AS other
    WHERE other.connector = substr(ledger.reason, 20) AND other.source_id = ledger.source_id
    AND other.state <> 'pushed' AND other.target_id IS NULL)
"""


def upgrade() -> None:
    op.add_column("ledger", sa.Column("waits_for", sa.Text))
    op.drop_index("ledger_due", "ledger")
    op.create_index("ledger_next", "ledger", ["connector", "state", "due_at", "source_id"])
    waits = sa.text("waits_for IS NOT NULL")
    op.create_index(
        "ledger_waits", "ledger", ["waits_for", "source_id"], sqlite_where=waits, postgresql_where=waits
    )
    op.execute(REPAIR)
