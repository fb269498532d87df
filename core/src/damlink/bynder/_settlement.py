"""What became of a save that got no answer: found in the portal, not there, or not to be told.

A save cannot be repeated blindly: it makes an asset. Nor can it be asked about: there is no key for
it. So we wait until a new asset would show up in the portal's lists, and look for one that only this
save can have made.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import attrs

from damlink.bynder._assets import Assets
from damlink.bynder._wire_assets import Asset, MediaItem
from damlink.errors import UnclearError

__all__ = ["Marker", "Search", "settle"]

CLOCK_TOLERANCE: Final = timedelta(seconds=5)  # the portal tells whole seconds, and times its own way


@attrs.frozen
class Marker:
    """What only this source asset carries in the portal: a tag, or a metaproperty's value."""

    tag: str = ""
    metaproperty: str = ""
    value: str = ""

    @classmethod
    def parse(cls, text: str) -> Marker:
        """Read `name=value` as a metaproperty, anything else as a tag."""
        name, equals, value = text.partition("=")
        return cls(metaproperty=name, value=value) if equals else cls(tag=text)

    @property
    def filter(self) -> dict[str, str]:
        """The filter of a listing that finds it."""
        return {"tags": self.tag} if self.tag else {f"property_{self.metaproperty}": self.value}

    def is_on(self, asset: Asset) -> bool:
        """Whether an asset carries it."""
        return self.tag in asset.tags if self.tag else self.value in asset.values_of(self.metaproperty)


@attrs.frozen(kw_only=True)
class Search:
    """What an unclear save would have made: where, since when (the portal's clock), how large."""

    since: datetime
    size: int
    filename: str
    marker: Marker | None = None
    asset_id: str | None = None
    additional: bool = False


def settle(assets: Assets, search: Search) -> str | None:
    """The id of what the save made, or `None` if it made nothing.

    Raises:
        UnclearError: there is no way to tell, or more than one fits.
    """
    found = _items(assets, search) if search.asset_id else _marked(assets, search)
    if len(found) > 1:
        raise UnclearError(f"{len(found)} assets of the portal may be the one that was saved")
    return found[0] if found else None


def _marked(assets: Assets, search: Search) -> list[str]:
    if search.marker is None:
        raise UnclearError("the portal gave no answer to the save, and nothing marks the asset")
    candidates = assets.list(limit=100, order_by="dateCreated desc", extra=search.marker.filter)
    fitting = (asset for asset in candidates if search.marker.is_on(asset))
    return [asset.id for asset in fitting if _fits(asset.created, asset.size, search)]


def _items(assets: Assets, search: Search) -> list[str]:
    kind = "additional" if search.additional else "original"
    items: Iterable[MediaItem] = assets.get(search.asset_id or "", versions=True).items
    return [item.id for item in items if item.type == kind and _fits(item.created, item.size, search)]


def _fits(created: datetime | None, size: int, search: Search) -> bool:
    return created is not None and created >= search.since - CLOCK_TOLERANCE and size == search.size
