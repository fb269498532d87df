"""The durable state: one implementation on SQLite and PostgreSQL. Owns SQLAlchemy and Alembic."""

from __future__ import annotations

from damlink._state._accounts import AccountChange, Accounts
from damlink._state._checkpoint import LedgerCheckpoint
from damlink._state._compare import Comparison, compare
from damlink._state._engine import Database, UnpreparedError
from damlink._state._health import Change, Health
from damlink._state._identity import Identity
from damlink._state._inbox import DISPATCHER, Gathered, Inbox, Notification, Verdict
from damlink._state._key_lock import using_key
from damlink._state._lease import Lease, lease_of
from damlink._state._ledger import Ledger
from damlink._state._listed import Listed, Progress, Tally
from damlink._state._rows import Row, RowState
from damlink._state._runs import RunRecord, Runs
from damlink._state._sealed import SEALED_COLUMNS, credential_name, reseal, topic_name
from damlink._state._siblings import Hold
from damlink._state._tokens import Credentials
from damlink._state._topics import Topic, Topics, TopicState
from damlink._state._values import BorrowedValues, Values

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
