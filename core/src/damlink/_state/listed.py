"""What a listing hands to the ledger, what it brought, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from damlink._model import SourceAsset
from damlink._state.accounts import Accounts

__all__ = ["Listed", "Progress", "Tally"]


@attrs.frozen
class Listed:
    """A batch of a listing: source assets, the cursor behind them, and which are in the portal already."""

    assets: Sequence[SourceAsset]
    cursor: str | None = None
    found: Mapping[str, str] = attrs.field(factory=dict)
    reconsider_skipped: bool = False


@attrs.frozen
class Tally:
    """What a batch brought."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    found: int = 0


@attrs.frozen
class Progress:
    """How far a connector's listing has come.

    Attributes:
        cursor: the last one committed.
        selection: under which it was committed.
        completed: the selection under which the listing was last walked to its end, if ever.
        accounts: whose the cursor and the finished rows are.
        look_since: what was uploaded earlier is known to the database; `None`: nothing is.
        look_until: rows listed until then are looked for in the portal before they are carried.
    """

    cursor: str | None = None
    selection: str = ""
    completed: str | None = None
    accounts: Accounts = attrs.field(factory=Accounts)
    look_since: datetime | None = None
    look_until: datetime | None = None
