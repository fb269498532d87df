"""Upgrade of a database. Imported only when the database is of an older version."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

__all__ = ["upgrade"]


def upgrade(connection: sa.Connection) -> None:
    """Apply every migration that is missing, in the transaction of this connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
