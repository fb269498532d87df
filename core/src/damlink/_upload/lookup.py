"""What became of a save that got no answer: found in the portal, not there, or not to be told.

A save cannot be repeated blindly: it makes an asset. Nor can it be asked about: there is no key for
it. So we wait until a new asset would show up in the portal's lists, and look for one that only this
save can have made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

import attrs

from damlink.bynder.records.assets import Asset, MediaItem
from damlink.bynder.resources.assets import Assets
from damlink.errors import UnclearError

__all__ = ["CLOCK_TOLERANCE", "Marker", "Search", "settle"]

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

    def is_readable(self, asset: Asset) -> bool:
        """Whether the record of an asset says anything of where the marker would be."""
        return ("tags" if self.tag else f"property_{self.metaproperty}") in asset.raw


@attrs.frozen(kw_only=True)
class Search:
    """What an unclear save would have made: where, since when (the portal's clock), of which size.

    Attributes:
        sizes: of the files that were sent; several where a later one was sent after the source changed.
    """

    since: datetime
    sizes: Collection[int]
    filename: str
    marker: Marker | None = None
    asset_id: str | None = None
    additional: bool = False


def settle(assets: Assets, search: Search) -> str | None:
    """The id of what the save made, or `None` if it made nothing.

    Raises:
        UnclearError: there is no way to tell, more than one fits, or one whose record is not readable.
    """
    found = _items(assets, search) if search.asset_id else _marked(assets, search)
    fitting = [each.id for each in found if each.fits is Fit.YES]
    if len(fitting) > 1:
        raise UnclearError(f"{len(fitting)} assets of the portal may be the one that was saved")
    if doubtful := [each.id for each in found if each.fits is Fit.UNKNOWN]:
        what = f"{', '.join([*fitting, *doubtful])} in the portal may be what was saved"
        raise UnclearError(f"{what}: its record has no readable date, size or marker")
    return fitting[0] if fitting else None


class Fit(Enum):
    """Whether a file in the portal can be the one that was saved."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@attrs.frozen
class _Found:
    id: str
    fits: Fit


def _marked(assets: Assets, search: Search) -> list[_Found]:
    if search.marker is None:
        raise UnclearError("the portal gave no answer to the save, and nothing marks the asset")
    candidates = assets.list(limit=100, order_by="dateCreated desc", extra=search.marker.filter)
    return [_Found(asset.id, _asset_fits(asset, search, search.marker)) for asset in candidates]


def _asset_fits(asset: Asset, search: Search, marker: Marker) -> Fit:
    carries = Fit.YES if marker.is_on(asset) else Fit.NO if marker.is_readable(asset) else Fit.UNKNOWN
    return _all((carries, _fits(asset.created, asset.size, search)))


def _items(assets: Assets, search: Search) -> list[_Found]:
    kind = "additional" if search.additional else "original"
    items: Iterable[MediaItem] = assets.get(search.asset_id or "", versions=True).items
    ours = (item for item in items if item.type == kind)
    return [_Found(item.id, _fits(item.created, item.size, search)) for item in ours]


def _fits(created: datetime | None, size: int, search: Search) -> Fit:
    """Compare date and size; one that the portal does not show proves nothing."""
    late = Fit.UNKNOWN if created is None else _yes(created >= search.since - CLOCK_TOLERANCE)
    alike = _yes(size in search.sizes) if size else Fit.UNKNOWN
    return _all((late, alike))


def _yes(true: bool) -> Fit:
    return Fit.YES if true else Fit.NO


def _all(fits: Collection[Fit]) -> Fit:
    return next((each for each in (Fit.NO, Fit.UNKNOWN) if each in fits), Fit.YES)
