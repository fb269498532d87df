"""The interval of a connector in its runs, so that `status` needs no plugin to name the next one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run", sa.Column("every", sa.Integer))
