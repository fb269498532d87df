"""Accounts of a cursor and of finished rows, and the period of looking for assets in the portal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("source", "target", "portal"):
        op.add_column("cursor", sa.Column(name, sa.Text))
    for name in ("look_since", "look_until"):
        op.add_column("cursor", sa.Column(name, sa.DateTime(timezone=True)))
