"""Assets that the portal has already, so that they are not uploaded a second time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from damlink._run.runtime import ConnectorRuntime
from damlink._state.listed import Progress
from damlink._state.rows import Row
from damlink.bynder import Asset
from damlink.errors import BynderAuthError

__all__ = ["find_adoptable", "find_existing"]


def find_adoptable(runtime: ConnectorRuntime, progress: Progress) -> Mapping[str, str]:
    """Return the ids of assets in the portal by tag, until a connector has listed everything once.

    A source asset is in the portal if its id is a tag of an asset with the tag of the plugin.
    """
    tag = runtime.plugin.about.adopt_tag
    is_first = progress.completed is None and runtime.config.adopt_existing
    is_looking = progress.look_until is not None and progress.look_until > runtime.context.now()
    if not tag or not (is_first or is_looking):
        return {}
    found: dict[str, str] = {}
    for asset in _list_all(runtime, tags=tag):
        for each in asset.tags:
            # An asset that people see has precedence over an archived one.
            found.setdefault(each, asset.id)
    return found


def find_existing(runtime: ConnectorRuntime, row: Row, progress: Progress) -> str | None:
    """Return the id of the asset that this row would upload, if the database may not know it.

    An asset is recognised by the tag that equals the source id, and by the plugin's own tag. Without such
    a tag, it must have been uploaded after everything that the database knows.
    """
    is_looked_for = progress.look_until is not None and row.listed_at <= progress.look_until
    if not is_looked_for or not runtime.plugin.about.uploads:
        return None
    since = progress.look_since
    if row.previous is not None:
        target_id = row.previous.target_id
        return target_id if since and _has_version(runtime, target_id, since) else None
    return _find_by_tag(runtime, row.source_id, since)


def _find_by_tag(runtime: ConnectorRuntime, source_id: str, since: datetime | None) -> str | None:
    tag = runtime.plugin.about.adopt_tag
    if "," in source_id or not (tag or since):
        return None
    for asset in _list_all(runtime, tags=source_id):
        is_ours = tag in asset.tags if tag else since is not None and _is_later(asset, since)
        if source_id in asset.tags and is_ours:
            return asset.id
    return None


def _list_all(runtime: ConnectorRuntime, **wanted: Any) -> Iterator[Asset]:
    """Yield assets, then the archived ones: lists show them apart, and only to some users."""
    yield from runtime.portal.assets.list(**wanted)
    with contextlib.suppress(BynderAuthError):
        yield from runtime.portal.assets.list(**wanted, archive=True)


def _is_later(asset: Asset, since: datetime) -> bool:
    return asset.created is not None and asset.created >= since


def _has_version(runtime: ConnectorRuntime, asset_id: str, since: datetime) -> bool:
    """Return whether the asset has an original uploaded since then."""
    # Asked by a list first: it has no error for an asset that is gone.
    if not asset_id or not any(_list_all(runtime, ids=[asset_id])):
        return False
    items = runtime.portal.assets.get(asset_id, versions=True).items
    return any(item.type == "original" and item.created and item.created >= since for item in items)
