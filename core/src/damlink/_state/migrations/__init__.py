"""Brings a database up to date. Imported only when it is behind."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from damlink._state.database import CREATION_LOCK

__all__ = ["upgrade"]


def upgrade(engine: sa.Engine) -> None:
    """Apply every migration that is missing, in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with engine.connect() as connection:
        writing = connection.execution_options(damlink_write=True)
        with writing.begin():
            if engine.dialect.name == "postgresql":  # two processes may find an old database at once
                writing.exec_driver_sql(f"SELECT pg_advisory_xact_lock({CREATION_LOCK})")
            config.attributes["connection"] = writing
            command.upgrade(config, "head")
