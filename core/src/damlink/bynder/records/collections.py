"""What the portal tells of collections, tags and usage, as types.

Source: Bynder's published definitions of collections and usage; of tags, its official clients.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from damlink.bynder.records.convert import find, flag, moment, number, records, text

__all__ = ["Collection", "CollectionPage", "Tag", "Usage", "UsageSync"]


@attrs.frozen(kw_only=True)
class Collection:
    """A collection of assets.

    Attributes:
        size: how many assets are in it; 0 where it is read by itself, which does not tell.
        link: where people find it.
    """

    id: str
    name: str
    description: str
    size: int
    is_public: bool
    created: datetime | None
    modified: datetime | None
    link: str
    raw: Mapping[str, Any] = attrs.field(repr=False, eq=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any], id: str = "") -> Collection:
        """From the portal's JSON; one read by itself does not repeat its `id`."""
        return cls(
            id=text(raw.get("id")) or id,
            name=text(raw.get("name")),
            description=text(raw.get("description")),
            size=number(raw.get("collectionCount")),
            is_public=flag(find(raw, "isPublic")),
            created=moment(raw.get("dateCreated")),
            modified=moment(raw.get("dateModified")),
            link=text(raw.get("link")),
            raw=raw,
        )


@attrs.frozen(kw_only=True)
class CollectionPage:
    """One page of a list of collections.

    Attributes:
        count: how many there are on all pages; `None` if it was not asked for.
    """

    collections: tuple[Collection, ...]
    count: int | None = None

    @classmethod
    def read(cls, raw: Any) -> CollectionPage:
        """From the portal's JSON: a list, or an object with the count."""
        if not isinstance(raw, Mapping):
            return cls(collections=tuple(map(Collection.read, records(raw))))
        count = raw.get("count")
        total = count.get("total", count.get("count")) if isinstance(count, Mapping) else count
        found = tuple(map(Collection.read, records(raw.get("collections"))))
        return cls(collections=found, count=number(total))


@attrs.frozen
class Tag:
    """A tag, and how many assets carry it."""

    id: str
    name: str
    media_count: int
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Tag:
        """From the portal's JSON."""
        return cls(text(raw.get("id")), text(raw.get("tag")), number(raw.get("mediaCount")), raw)


@attrs.frozen(kw_only=True)
class Usage:
    """That an asset is used somewhere, as an integration has told the portal."""

    id: str
    asset_id: str
    integration_id: str
    uri: str
    additional: str
    timestamp: datetime | None
    raw: Mapping[str, Any] = attrs.field(repr=False, eq=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Usage:
        """From the portal's JSON."""
        integration = raw.get("integration")
        return cls(
            id=text(raw.get("id")),
            asset_id=text(raw.get("asset_id")),
            integration_id=text(integration.get("id") if isinstance(integration, Mapping) else integration),
            uri=text(raw.get("uri")),
            additional=text(raw.get("additional")),
            timestamp=moment(raw.get("timestamp")),
            raw=raw,
        )


@attrs.frozen(kw_only=True)
class UsageSync:
    """What became of a synchronisation of usage, in the portal's own records.

    Attributes:
        rejected: each with a `reason`.
    """

    accepted: tuple[Mapping[str, Any], ...]
    new: tuple[Usage, ...]
    rejected: tuple[Mapping[str, Any], ...]
    removed: tuple[Mapping[str, Any], ...]

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> UsageSync:
        """From the portal's JSON."""
        return cls(
            accepted=tuple(records(raw.get("accepted"))),
            new=tuple(map(Usage.read, records(raw.get("new")))),
            rejected=tuple(records(raw.get("rejected"))),
            removed=tuple(records(raw.get("removed"))),
        )
