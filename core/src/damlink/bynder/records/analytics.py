"""Records of analytics: events, and reports of assets.

Source: Bynder's published definition of analytics.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import attrs

from damlink.bynder.records.convert import find, number
from damlink.bynder.records.record import Key, Record, read_record

__all__ = [
    "AnalyticsEvent",
    "AssetEvent",
    "AssetReport",
    "CollectionEvent",
    "KeywordEvent",
    "SearchEvent",
]


@attrs.frozen(kw_only=True, slots=False)
class AnalyticsEvent(Record):
    """Something that a user did.

    Attributes:
        type: such as `user.login` or `AssetViewed`.
        user_id: empty for someone who was not signed in.
    """

    # The newer calls send `eventId`.
    id: Annotated[str, Key("eventId", "id")]
    type: Annotated[str, Key("eventType")]
    time: Annotated[datetime | None, Key("dateTime")]
    user_id: str
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class AssetEvent(AnalyticsEvent):
    """Something that a user did with an asset. The newer calls send its id only."""

    asset_id: str
    asset_name: str
    asset_type: str
    asset_audit: str
    file_name: str
    media_item_id: str
    media_item_type: str
    download_reasons: tuple[str, ...]


@attrs.frozen(kw_only=True, slots=False)
class CollectionEvent(AnalyticsEvent):
    """A view of a collection."""

    collection_id: str
    is_owner: bool
    is_bynder_support: bool
    view_origin: str
    ip_address: str
    user_agent: str


@attrs.frozen(kw_only=True, slots=False)
class SearchEvent(AnalyticsEvent):
    """A search.

    Attributes:
        filters: each with `field` and `value`.
        sort_order: `field` and `order`.
        assets: number of assets found.
    """

    terms: tuple[str, ...]
    filters: tuple[Mapping[str, Any], ...]
    operator: str
    sort_order: Mapping[str, str]
    assets: int

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> SearchEvent:
        """Return the search that an object of the portal's JSON describes."""
        results = find(raw, "results")
        return read_record(
            cls, raw, assets=number(results.get("assets") if isinstance(results, Mapping) else 0)
        )


@attrs.frozen(kw_only=True, slots=False)
class KeywordEvent(AnalyticsEvent):
    """A search for a keyword, with the number of results of each kind."""

    keyword: str
    total: Annotated[int, Key("totalResults")]
    tags: Annotated[int, Key("tagsResults")]
    assets: Annotated[int, Key("assetsResults")]
    documents: Annotated[int, Key("documentsResults")]
    guidelines: Annotated[int, Key("guidelinesResults")]
    collections: Annotated[int, Key("collectionsResults")]
    metaproperties: Annotated[int, Key("metapropertiesResults")]
    collection_assets: Annotated[int, Key("collectionAssetsResults")]
    campaigns: Annotated[int, Key("workflowCampaignsResults")]
    products: Annotated[int, Key("brandstoreProductsResults")]


@attrs.frozen(kw_only=True, slots=False)
class AssetReport(Record):
    """A report of an asset for people.

    Attributes:
        metaproperties: values as one text, by name.
    """

    asset_id: str
    name: str
    description: str
    copyright: str
    type: str
    audit: str
    is_archived: bool
    is_limited: bool
    is_public: bool
    is_removed: bool
    is_watermarked: bool
    id_hash: str
    phash: str
    created: Annotated[datetime | None, Key("dateCreated")]
    created_by_id: Annotated[str, Key("userCreated")]
    modified: Annotated[datetime | None, Key("dateModified")]
    modified_by_id: Annotated[str, Key("userModified")]
    published: Annotated[datetime | None, Key("datePublished")]
    removed: Annotated[datetime | None, Key("dateRemoved")]
    metaproperties: Mapping[str, str]
    raw: Mapping[str, Any] = attrs.field(repr=False)
