"""What the portal tells of metaproperties and their options, as types.

Source: Bynder's published definitions of metaproperties and options.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from damlink.bynder.records.convert import find, flag, ids, number, records, text, texts_by_name

__all__ = ["Metaproperty", "Option", "Smartfilter"]

_WITH_OPTIONS: Final = frozenset({"select", "select2", "autocomplete", "button", "sidebar"})
_FREE_TEXT: Final = frozenset({"text", "longtext"})


@attrs.frozen
class Option:
    """One value that a metaproperty offers.

    Attributes:
        name: its database name, which never changes, and what assets show.
        label: what people see.
        media_count: how many assets have it; 0 if it was not asked for.
    """

    id: str
    name: str
    label: str
    parent_id: str = ""
    external_reference: str = ""
    media_count: int = 0
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @classmethod
    def read_all(cls, raw: Any, parent_id: str = "") -> Iterator[Option]:
        """From the portal's JSON, the options within each after it."""
        for each in records(raw):
            name, own = text(each.get("name")), text(each.get("id"))
            yield cls(
                id=own,
                name=name,
                label=text(each.get("displayLabel") or each.get("label")) or name,
                parent_id=text(each.get("parentId")) or parent_id,
                external_reference=text(each.get("externalReference")),
                media_count=number(each.get("mediaCount")),
                raw=each,
            )
            yield from cls.read_all(each.get("options"), own)


@attrs.frozen(kw_only=True)
class Metaproperty:
    """A metaproperty and, where it has them and they were asked for, its options.

    Attributes:
        name: its database name: never changes, and stands in `property_NAME` of assets and filters.
        label: what people see.
        type: `text`, `longtext`, `date`, or one that takes options: `select`, `select2`, …
    """

    id: str
    name: str
    label: str
    type: str
    is_multiselect: bool
    is_required: bool
    is_editable: bool
    options: tuple[Option, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False, eq=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Metaproperty:
        """From the portal's JSON."""
        return cls(
            id=text(raw.get("id")),
            name=text(raw.get("name")),
            label=text(raw.get("label")) or text(raw.get("name")),
            type=text(raw.get("type")),
            is_multiselect=flag(find(raw, "isMultiselect")),
            is_required=flag(find(raw, "isRequired")),
            is_editable=flag(find(raw, "isEditable")),
            options=tuple(Option.read_all(raw.get("options"))),
            raw=raw,
        )

    @property
    def takes_options(self) -> bool:
        """Whether its values are chosen among options."""
        return self.type in _WITH_OPTIONS or bool(self.options)

    @property
    def is_single(self) -> bool:
        """Whether the portal says that an asset may have one of its options only."""
        return not self.is_multiselect and find(self.raw, "isMultiselect") is not None

    def is_like(self, type: str) -> bool:
        """Whether it takes the same values as one of that type would."""
        kinds = (_WITH_OPTIONS, _FREE_TEXT)
        return self.type == type or any({self.type, type} <= kind for kind in kinds)

    def option(self, wanted: str) -> Option | None:
        """The option with this name, else this id, else this label."""
        for key in ("name", "id", "label"):
            for option in self.options:
                if getattr(option, key) == wanted:
                    return option
        return None


@attrs.frozen
class Smartfilter:
    """A group of metaproperties that the portal offers as a filter."""

    id: str
    labels: Mapping[str, str] = attrs.field(eq=False)
    metaproperty_ids: tuple[str, ...]
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Smartfilter:
        """From the portal's JSON."""
        labels = texts_by_name(raw.get("labels"))
        return cls(text(raw.get("id")), labels, ids(raw.get("metaproperties")), raw)
