"""Lookup of a save that got no answer: found in the portal, not there, or undecidable.

A save cannot be repeated blindly, since it makes an asset, and it has no key by which the portal could
find it. So we wait until the portal's lists show new assets, and look for one that only this save can
have made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

import attrs

from damlink.bynder.records.assets import Asset, MediaItem
from damlink.bynder.resources.assets import Assets
from damlink.errors import BynderAuthError, UnclearError

__all__ = ["CLOCK_TOLERANCE", "Marker", "Search", "find_saved"]

# The portal's dates have whole seconds, and are taken at another time than its `Date` header.
CLOCK_TOLERANCE: Final = timedelta(seconds=5)


@attrs.frozen
class Marker:
    """Tag, or value of a metaproperty, that only this source asset has in the portal."""

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
        """Filter of a listing that finds the marked asset."""
        return {"tags": self.tag} if self.tag else {f"property_{self.metaproperty}": self.value}

    def is_on(self, asset: Asset) -> bool:
        """Return whether an asset has the marker."""
        return self.tag in asset.tags if self.tag else self.value in asset.values_of(self.metaproperty)

    def is_readable(self, asset: Asset) -> bool:
        """Return whether an asset's record includes the field of the marker."""
        return ("tags" if self.tag else f"property_{self.metaproperty}") in asset.raw


@attrs.frozen(kw_only=True)
class Search:
    """Properties of what an unclear save would have made.

    Attributes:
        since: earliest creation date, by the portal's clock.
        sizes: sizes of the files that were sent; several if the source changed between two attempts.
    """

    since: datetime
    sizes: Collection[int]
    filename: str
    marker: Marker | None = None
    asset_id: str | None = None
    additional: bool = False


def find_saved(assets: Assets, search: Search) -> str | None:
    """Return the id of what the save has made, or `None` if it has made nothing.

    Raises:
        UnclearError: it cannot be determined: no marker, several candidates, or an incomplete record.
    """
    candidates = _list_items(assets, search) if search.asset_id else _list_marked(assets, search)
    fitting = [each.id for each in candidates if each.fit is Fit.YES]
    if len(fitting) > 1:
        raise UnclearError(f"{len(fitting)} assets of the portal may be the one that was saved")
    if doubtful := [each.id for each in candidates if each.fit is Fit.UNKNOWN]:
        ids = ", ".join([*fitting, *doubtful])
        raise UnclearError(
            f"{ids} in the portal may be what was saved: its record has no readable date, size or marker"
        )
    return fitting[0] if fitting else None


class Fit(Enum):
    """Result of comparing a file in the portal with the one that was saved."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@attrs.frozen
class _Candidate:
    id: str
    fit: Fit


def _list_marked(assets: Assets, search: Search) -> list[_Candidate]:
    if search.marker is None:
        raise UnclearError("the portal gave no answer to the save, and nothing marks the asset")
    found = _list_and_compare(assets, search, search.marker)
    if any(each.fit is not Fit.NO for each in found):
        return found
    # It may have been archived meanwhile. Lists show archived assets apart, and only to some users.
    with contextlib.suppress(BynderAuthError):
        return _list_and_compare(assets, search, search.marker, archive=True)
    return []


def _list_and_compare(
    assets: Assets, search: Search, marker: Marker, archive: bool | None = None
) -> list[_Candidate]:
    listed = assets.list(limit=100, order_by="dateCreated desc", archive=archive, extra=marker.filter)
    return [_Candidate(asset.id, _compare_asset(assets, asset, search, marker)) for asset in listed]


def _compare_asset(assets: Assets, asset: Asset, search: Search, marker: Marker) -> Fit:
    is_marked = Fit.YES if marker.is_on(asset) else Fit.NO if marker.is_readable(asset) else Fit.UNKNOWN
    is_new = _combine((is_marked, _compare_date(asset.created, search)))
    size = _compare_size(asset.size, search)
    if is_new is not Fit.NO and size is Fit.NO:
        # Its record shows the newest version, which a person may have added since.
        size = _find_version(assets, asset.id, search)
    return _combine((is_new, size))


def _find_version(assets: Assets, asset_id: str, search: Search) -> Fit:
    """Return whether any version of an asset is the file that was sent; unknown if none is shown."""
    asset = assets.find(asset_id, versions=True)
    items = asset.items if asset else ()
    sizes = {_compare_size(each.size, search) for each in items if each.type == "original"}
    if sizes == {Fit.NO}:
        return Fit.NO
    return Fit.YES if Fit.YES in sizes else Fit.UNKNOWN


def _list_items(assets: Assets, search: Search) -> list[_Candidate]:
    kind = "additional" if search.additional else "original"
    items: Iterable[MediaItem] = assets.get(search.asset_id or "", versions=True).items
    ours = (item for item in items if item.type == kind)
    return [_Candidate(item.id, _compare(item.created, item.size, search)) for item in ours]


def _compare(created: datetime | None, size: int, search: Search) -> Fit:
    """Compare date and size; a value that the portal does not show is unknown."""
    return _combine((_compare_date(created, search), _compare_size(size, search)))


def _compare_date(created: datetime | None, search: Search) -> Fit:
    return Fit.UNKNOWN if created is None else _fit(created >= search.since - CLOCK_TOLERANCE)


def _compare_size(size: int, search: Search) -> Fit:
    return _fit(size in search.sizes) if size else Fit.UNKNOWN


def _fit(is_equal: bool) -> Fit:
    return Fit.YES if is_equal else Fit.NO


def _combine(fits: Collection[Fit]) -> Fit:
    """Return NO if it is among the results, else UNKNOWN if it is, else YES."""
    return next((each for each in (Fit.NO, Fit.UNKNOWN) if each in fits), Fit.YES)
