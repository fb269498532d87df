"""The portal's JSON as types. Unknown fields are kept in `raw`.

Source: Bynder's published definitions, and the deviations seen in the field: flags as 0 or 1,
numbers as text, a list where there is one value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs

__all__ = ["Asset", "Brand", "MediaItem", "Metaproperty", "Option", "Profile", "moment", "texts"]

_LEGACY: Final = "%B, %d %Y %H:%M:%S %z"  # `March, 08 2017 14:17:37 +0000`


def moment(text: str | None) -> datetime | None:
    """A date in any of the portal's five forms, as UTC; one without a zone is taken as UTC."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        try:
            parsed = datetime.strptime(text, _LEGACY)
        except ValueError:
            return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def texts(value: Any) -> tuple[str, ...]:
    """One text, several, or none, as a tuple."""
    if value is None or value == "":
        return ()
    return tuple(str(each) for each in value) if isinstance(value, list) else (str(value),)


def number(value: Any) -> int:
    """A whole number that may come as text, as a fraction, or not at all."""
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return 0


@attrs.frozen(kw_only=True)
class MediaItem:
    """One file of an asset: an original of some version, a derivative, an additional."""

    id: str
    type: str
    filename: str
    version: int
    active: bool
    size: int
    created: datetime | None
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> MediaItem:
        """From the portal's JSON."""
        return cls(
            id=str(raw.get("id", "")),
            type=str(raw.get("type", "")),
            filename=str(raw.get("fileName") or raw.get("name") or ""),
            version=number(raw.get("version")),
            active=bool(number(raw.get("active"))),
            size=number(raw.get("size")),
            created=moment(raw.get("dateCreated")),
            raw=raw,
        )


@attrs.frozen(kw_only=True)
class Asset:
    """One asset of the asset bank."""

    id: str
    name: str
    type: str
    description: str
    copyright: str
    tags: tuple[str, ...]
    size: int
    created: datetime | None
    modified: datetime | None
    items: tuple[MediaItem, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Asset:
        """From the portal's JSON."""
        return cls(
            id=str(raw["id"]),
            name=str(raw.get("name", "")),
            type=str(raw.get("type", "")),
            description=str(raw.get("description") or ""),
            copyright=str(raw.get("copyright") or ""),
            tags=texts(raw.get("tags")),
            size=number(raw.get("fileSize")),
            created=moment(raw.get("dateCreated")),
            modified=moment(raw.get("dateModified")),
            items=tuple(MediaItem.read(item) for item in raw.get("mediaItems") or ()),
            raw=raw,
        )

    def values_of(self, name: str) -> tuple[str, ...]:
        """The values of a metaproperty, by its database name."""
        return texts(self.raw.get(f"property_{name}"))

    @property
    def active_version(self) -> int:
        """The number of the active original; 0 if the items were not asked for."""
        originals = [item for item in self.items if item.type == "original"]
        active = [item.version for item in originals if item.active]
        return max(active or [item.version for item in originals], default=0)


@attrs.frozen
class Brand:
    """A brand, or a brand within another."""

    id: str
    name: str

    @classmethod
    def read_all(cls, raw: Sequence[Mapping[str, Any]]) -> Iterator[Brand]:
        """From the portal's JSON, the brands within each after it."""
        for each in raw:
            yield cls(str(each["id"]), str(each.get("name", "")))
            yield from cls.read_all(each.get("subBrands") or ())


@attrs.frozen
class Profile:
    """A security profile with its roles."""

    id: str
    name: str
    roles: frozenset[str]

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Profile:
        """From the portal's JSON."""
        return cls(str(raw["id"]), str(raw.get("name", "")), frozenset(texts(raw.get("roles"))))


@attrs.frozen
class Option:
    """One value that a metaproperty offers."""

    id: str
    name: str
    label: str


@attrs.frozen(kw_only=True)
class Metaproperty:
    """A metaproperty and, where it has them, its options."""

    id: str
    name: str
    label: str
    type: str
    multiselect: bool
    options: tuple[Option, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Metaproperty:
        """From the portal's JSON."""
        return cls(
            id=str(raw["id"]),
            name=str(raw.get("name", "")),
            label=str(raw.get("label") or raw.get("name", "")),
            type=str(raw.get("type", "")),
            multiselect=bool(number(raw.get("isMultiselect"))),
            options=tuple(_options(raw.get("options") or ())),
            raw=raw,
        )


def _options(raw: Sequence[Mapping[str, Any]]) -> Iterator[Option]:
    for each in raw:
        name = str(each.get("name", ""))
        label = str(each.get("displayLabel") or each.get("label") or name)
        yield Option(str(each["id"]), name, label)
        yield from _options(each.get("options") or ())
