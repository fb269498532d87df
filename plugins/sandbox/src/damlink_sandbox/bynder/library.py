"""Contents of a portal beside its assets: collections, usages, tags, derivative presets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs


@attrs.define
class Collection:
    """A collection.

    Attributes:
        assets: ids in the order they were added, each once.
        cover: the asset whose thumbnail it shows; empty: the first.
        shares: what it was shared with, as it was sent.
    """

    id: str
    name: str
    description: str
    user_id: str
    created: datetime
    modified: datetime
    is_public: bool = False
    cover: str = ""
    views: int = 0
    assets: dict[str, None] = attrs.field(factory=dict)
    shares: list[dict[str, str]] = attrs.field(factory=list)


@attrs.frozen
class Usage:
    """A place where an integration shows an asset."""

    id: str
    integration_id: str
    asset_id: str
    uri: str
    additional: str
    timestamp: datetime


@attrs.frozen
class Preset:
    """A derivative that the account makes of every image. Source: Bynder's definition of the account."""

    id: str
    prefix: str
    width: int
    height: int
    is_crop: bool = False
    is_extent: bool = False
    is_on_the_fly: bool = True
    is_public: bool = True
    dpi: int = -1
    allowed_types: str = ""


@attrs.define
class Library:
    """All of them.

    Attributes:
        tags: the id of each tag that was ever seen.
        smartfilters: as they are shown; none: one with every metaproperty.
    """

    collections: dict[str, Collection] = attrs.field(factory=dict)
    usages: dict[str, Usage] = attrs.field(factory=dict)
    presets: list[Preset] = attrs.field(factory=list)
    tags: dict[str, str] = attrs.field(factory=dict)
    smartfilters: list[dict[str, Any]] = attrs.field(factory=list)
