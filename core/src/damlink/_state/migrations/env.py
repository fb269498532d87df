"""Alembic's entry point: runs the migrations on the connection given to `upgrade`."""

from __future__ import annotations

from alembic import context

from damlink._state.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
