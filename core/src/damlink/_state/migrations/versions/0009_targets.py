"""An index of the ids at the target, for `ctx.ledger`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    known = sa.text("target_id IS NOT NULL")
    op.create_index(
        "ledger_target", "ledger", ["connector", "target_id"], sqlite_where=known, postgresql_where=known
    )
