"""The durable state: one implementation on SQLite and PostgreSQL. Owns SQLAlchemy and Alembic."""

from __future__ import annotations

from damlink._state._checkpoint import LedgerCheckpoint
from damlink._state._engine import Database, UnpreparedError
from damlink._state._lease import Lease, lease_of
from damlink._state._ledger import Ledger, Listed, Progress, Tally, is_changed
from damlink._state._rows import Row, RowState
from damlink._state._runs import RunRecord, Runs
from damlink._state._tokens import Credentials
from damlink._state._values import Values

__all__ = [
    "Credentials",
    "Database",
    "Lease",
    "Ledger",
    "LedgerCheckpoint",
    "Listed",
    "Progress",
    "Row",
    "RowState",
    "RunRecord",
    "Runs",
    "Tally",
    "UnpreparedError",
    "Values",
    "is_changed",
    "lease_of",
]
