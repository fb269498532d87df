"""Records of collections, tags and usage.

Source: Bynder's published definitions of collections and usage; of tags, its official clients.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import attrs

from damlink.bynder.records.convert import number, records, text
from damlink.bynder.records.record import Key, Record, read_record

__all__ = ["Collection", "CollectionPage", "Tag", "Usage", "UsageSync"]


@attrs.frozen(kw_only=True, slots=False)
class Collection(Record):
    """A collection of assets.

    Attributes:
        size: number of assets in it; 0 if the collection was requested by id.
        link: address for people.
    """

    id: str
    name: str
    description: str
    size: Annotated[int, Key("collectionCount")]
    is_public: bool
    created: Annotated[datetime | None, Key("dateCreated")]
    modified: Annotated[datetime | None, Key("dateModified")]
    link: str
    raw: Mapping[str, Any] = attrs.field(repr=False, eq=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any], id: str = "") -> Collection:
        """Return a collection; the answer to a request by id does not repeat the `id`."""
        return read_record(cls, raw, id=text(raw.get("id")) or id)


@attrs.frozen(kw_only=True)
class CollectionPage:
    """One page of a list of collections.

    Attributes:
        count: number of collections on all pages; `None` if it was not requested.
    """

    collections: tuple[Collection, ...]
    count: int | None = None

    def __iter__(self) -> Iterator[Collection]:
        return iter(self.collections)

    def __len__(self) -> int:
        return len(self.collections)

    @property
    def items(self) -> tuple[Collection, ...]:
        """The collections, as every page has its records."""
        return self.collections

    @property
    def total(self) -> int | None:
        """The count, as every page has it."""
        return self.count

    @classmethod
    def read(cls, raw: Any) -> CollectionPage:
        """Return the page that the portal's JSON describes: a list, or an object with the count."""
        if not isinstance(raw, Mapping):
            return cls(collections=tuple(map(Collection.read, records(raw))))
        count = raw.get("count")
        total = count.get("total", count.get("count")) if isinstance(count, Mapping) else count
        found = tuple(map(Collection.read, records(raw.get("collections"))))
        return cls(collections=found, count=number(total))


@attrs.frozen(slots=False)
class Tag(Record):
    """A tag, and the number of assets that have it."""

    id: str
    name: Annotated[str, Key("tag")]
    media_count: int
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


def _id_of(integration: Any) -> str:
    return text(integration.get("id") if isinstance(integration, Mapping) else integration)


@attrs.frozen(kw_only=True, slots=False)
class Usage(Record):
    """A place where an asset is used, as reported by an integration."""

    id: str
    asset_id: Annotated[str, Key("asset_id")]
    integration_id: Annotated[str, Key("integration"), _id_of]
    uri: str
    additional: str
    timestamp: datetime | None
    raw: Mapping[str, Any] = attrs.field(repr=False, eq=False)


@attrs.frozen(kw_only=True, slots=False)
class UsageSync(Record):
    """The result of a synchronisation of usage.

    Attributes:
        rejected: each with a `reason`.
    """

    accepted: tuple[Mapping[str, Any], ...]
    new: tuple[Usage, ...]
    rejected: tuple[Mapping[str, Any], ...]
    removed: tuple[Mapping[str, Any], ...]
    raw: Mapping[str, Any] = attrs.field(repr=False, eq=False)
