"""The durable state: one implementation on SQLite and PostgreSQL. Owns SQLAlchemy and Alembic."""

from __future__ import annotations

from damlink._state.accounts import AccountChange, Accounts
from damlink._state.checkpoint import LedgerCheckpoint
from damlink._state.compare import Comparison, compare
from damlink._state.credentials import Credentials
from damlink._state.database import Database, UnpreparedError
from damlink._state.health import Change, Health
from damlink._state.identity import Identity
from damlink._state.inbox import DISPATCHER, Gathered, Inbox, Notification, Verdict
from damlink._state.key_lock import using_key
from damlink._state.lease import Lease, lease_of
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed, Progress, Tally
from damlink._state.rows import Row, RowState
from damlink._state.runs import RunRecord, Runs
from damlink._state.sealed import SEALED_COLUMNS, credential_name, reseal, topic_name
from damlink._state.siblings import Hold
from damlink._state.topics import Topic, Topics, TopicState
from damlink._state.values import BorrowedValues, Values

__all__ = [
    "DISPATCHER",
    "SEALED_COLUMNS",
    "AccountChange",
    "Accounts",
    "BorrowedValues",
    "Change",
    "Comparison",
    "Credentials",
    "Database",
    "Gathered",
    "Health",
    "Hold",
    "Identity",
    "Inbox",
    "Lease",
    "Ledger",
    "LedgerCheckpoint",
    "Listed",
    "Notification",
    "Progress",
    "Row",
    "RowState",
    "RunRecord",
    "Runs",
    "Tally",
    "Topic",
    "TopicState",
    "Topics",
    "UnpreparedError",
    "Values",
    "Verdict",
    "compare",
    "credential_name",
    "lease_of",
    "reseal",
    "topic_name",
    "using_key",
]
