"""Records of a listing: a batch for the ledger, its result, and the progress of the listing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from damlink._model import SourceAsset
from damlink._state.accounts import Accounts

__all__ = ["Listed", "Progress", "Tally"]


@attrs.frozen
class Listed:
    """A batch of a listing: source assets, the cursor behind them, and those that the portal has already."""

    assets: Sequence[SourceAsset]
    cursor: str | None = None
    found: Mapping[str, str] = attrs.field(factory=dict)
    reconsider_skipped: bool = False


@attrs.frozen
class Tally:
    """Numbers of new, changed, unchanged and found assets in a batch."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    found: int = 0


@attrs.frozen
class Progress:
    """Progress of a connector's listing.

    Attributes:
        cursor: the last committed one.
        selection: the selection under which the cursor was committed.
        completed: the selection under which the listing was last read to its end, if ever.
        accounts: the accounts that the cursor and the finished rows belong to.
        look_since: uploads before this time are known to the database; with `None` no upload is.
        look_until: rows listed before this time are looked for in the portal before they are carried.
    """

    cursor: str | None = None
    selection: str = ""
    completed: str | None = None
    accounts: Accounts = attrs.field(factory=Accounts)
    look_since: datetime | None = None
    look_until: datetime | None = None
