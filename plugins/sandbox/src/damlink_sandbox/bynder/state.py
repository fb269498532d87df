"""State of a portal: uploads, imports, assets, brands, metaproperties, collections, usages, tags, presets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from damlink_sandbox.content import Content, PartFiles

OPTION_TYPES = frozenset({"select", "select2", "autocomplete", "button", "sidebar"})
TYPES = OPTION_TYPES | {"text", "longtext", "date"}
UNGROUPED = "ungrouped"


@attrs.frozen
class Brand:
    """A brand; `sub_brands` one level deep."""

    id: str
    name: str
    description: str = ""
    sub_brands: tuple[Brand, ...] = ()


@attrs.define
class Option:
    """An option of a metaproperty.

    Attributes:
        extra: other fields that were sent.
        dependencies: the ids of options it depends on, by group; those outside any are in `UNGROUPED`.
    """

    id: str
    name: str
    label: str
    created: datetime
    extra: dict[str, Any] = attrs.field(factory=dict)
    dependencies: dict[str, dict[str, None]] = attrs.field(factory=dict)

    @property
    def parent(self) -> str:
        """The id of the option it stands below; empty at the top."""
        return str(self.extra.get("parentId") or "").upper()

    @property
    def linked(self) -> list[str]:
        """The ids of all options it depends on, each once."""
        return list({key: None for group in self.dependencies.values() for key in group})


@attrs.define
class Metaproperty:
    """A metaproperty; `extra` holds the flags as they were sent."""

    id: str
    name: str
    label: str
    type: str
    is_multiselect: bool = False
    options: dict[str, Option] = attrs.field(factory=dict)
    extra: dict[str, Any] = attrs.field(factory=dict)

    @property
    def takes_options(self) -> bool:
        """Return whether its values are options and not text."""
        return self.type in OPTION_TYPES

    def option(self, given: str) -> Option | None:
        """Find an option by id, name or label; all but ids are announced as to be deprecated.

        Source: Bynder's published definition of assets.
        """
        for option in self.options.values():
            if given.upper() == option.id or given in (option.name, option.label):
                return option
        return None


@attrs.frozen
class Part:
    """One part as S3 holds it; `at` in seconds since 1970."""

    path: Path
    size: int
    at: float


@attrs.define
class Upload:
    """One upload from init on.

    Attributes:
        key: the base S3 key; parts are `{key}/p{n}`.
        parts: what S3 holds by part number.
        registered: the part numbers registered with the portal.
        expires: when the S3 policy ends, seconds since 1970.
    """

    id: str
    file_name: str
    key: str
    target: str
    params: Mapping[str, str]
    expires: float
    parts: dict[int, Part] = attrs.field(factory=dict)
    registered: set[int] = attrs.field(factory=set)
    is_finalised: bool = False


@attrs.define
class Transfer:
    """An upload by the files service, from prepare to finalise; `chunks` are files by number."""

    id: str
    chunks: dict[int, Path] = attrs.field(factory=dict)
    is_finalised: bool = False


@attrs.define
class Import:
    """A finalised upload.

    Attributes:
        ready_at: when its conversion ends, seconds since 1970.
        outcome: of the conversion: `done`, `failed` or `rejected`.
        saves: how often it was saved.
    """

    id: str
    batch_id: str
    path: str
    file_name: str
    content: PartFiles
    ready_at: float
    outcome: str
    saves: int = 0


@attrs.frozen
class File:
    """An original or an additional; `number` is the version of an original."""

    id: str
    file_name: str
    content: Content
    created: datetime
    number: int = 0
    width: int = 0
    height: int = 0


@attrs.frozen
class Asset:
    """An asset, as of its last change.

    Attributes:
        values: by metaproperty id: option ids, or one text.
        access_request: the waiting-room batch it came with.
        related: by metaproperty id: ids of other assets.
        focus: the focus point as shares of width and height; `None`: the middle.
        active_number: the version shown; 0: the newest.
    """

    id: str
    name: str
    brand_id: str
    created: datetime
    modified: datetime
    published: datetime
    versions: tuple[File, ...]
    user_id: str
    description: str = ""
    copyright: str = ""
    tags: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    additionals: tuple[File, ...] = ()
    is_archived: bool = False
    is_limited: bool = False
    is_public: bool = False
    is_watermarked: bool = False
    in_waiting_room: bool = False
    access_request: str = ""
    deleted: datetime | None = None
    downloads: int = 0
    views: int = 0
    categories: tuple[str, ...] = ()
    related: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    focus: tuple[float, float] | None = None
    active_number: int = 0

    @property
    def active(self) -> File:
        """The version shown."""
        chosen = (file for file in self.versions if file.number == self.active_number)
        return next(chosen, self.versions[-1])

    @property
    def files(self) -> tuple[File, ...]:
        """Every version and every additional."""
        return (*self.versions, *self.additionals)

    @property
    def visible(self) -> bool:
        """Return whether API calls can see the asset. Of the waiting room: seen in integrations."""
        return self.deleted is None and not self.in_waiting_room


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
