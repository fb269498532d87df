"""Compressed records of finished rows. Those of earlier versions stay as they are: nothing is rewritten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ledger", sa.Column("raw_packed", sa.LargeBinary))
