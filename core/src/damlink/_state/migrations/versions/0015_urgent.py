"""Urgent rows: what events have made due. Before, such a row was stored as due a century earlier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from damlink._state.tables import KeepableText, UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_CENTURY = timedelta(days=36525)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_ledger = sa.table(
    "ledger",
    sa.column("connector", KeepableText),
    sa.column("source_id", KeepableText),
    sa.column("state", KeepableText),
    sa.column("due_at", UtcDateTime),
    sa.column("is_urgent", sa.Boolean),
)
_counter = sa.table("counter", sa.column("connector", KeepableText))


def upgrade() -> None:
    is_urgent = sa.Column("is_urgent", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("ledger", is_urgent)
    connection = op.get_bind()
    # By the columns of an index: a scan of the table would hold up its writers.
    of_known = _ledger.c.connector.in_(sa.select(_counter.c.connector).distinct())
    query = sa.select(_ledger.c.connector, _ledger.c.source_id, _ledger.c.due_at)
    query = query.where(of_known, _ledger.c.state == "due", _ledger.c.due_at < _EARLIEST)
    for row in connection.execute(query).all():
        mine = (_ledger.c.connector == row.connector, _ledger.c.source_id == row.source_id)
        values = {"is_urgent": True, "due_at": row.due_at + _CENTURY}
        connection.execute(sa.update(_ledger).where(*mine).values(values))
