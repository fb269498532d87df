"""Records of metaproperties, their options and smartfilters.

Source: Bynder's published definitions of metaproperties and options.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import attrs

from damlink.bynder.records.convert import find, ids, records, text
from damlink.bynder.records.record import Key, Record, read_record

__all__ = ["Metaproperty", "Option", "Smartfilter"]

_WITH_OPTIONS: Final = frozenset({"select", "select2", "autocomplete", "button", "sidebar"})
_FREE_TEXT: Final = frozenset({"text", "longtext"})


@attrs.frozen(slots=False)
class Option(Record):
    """One value that a metaproperty offers.

    Attributes:
        name: database name, which never changes and which assets contain.
        label: text that people see.
        media_count: number of assets with the option; 0 if it was not requested.
    """

    id: str
    name: str
    label: Annotated[str, Key("displayLabel", "label", "name")]
    parent_id: str = ""
    external_reference: str = ""
    media_count: int = 0
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @classmethod
    def read_all(cls, raw: Any, parent_id: str = "") -> Iterator[Option]:
        """Yield the options in the portal's JSON, each followed by the options below it."""
        for each in records(raw):
            option = read_record(cls, each, parent_id=text(each.get("parentId")) or parent_id)
            yield option
            yield from cls.read_all(each.get("options"), option.id)


def _options(value: Any) -> tuple[Option, ...]:
    return tuple(Option.read_all(value))


@attrs.frozen(kw_only=True, slots=False)
class Metaproperty(Record):
    """A metaproperty, with its options if they were requested.

    Attributes:
        name: database name: never changes, and is used as `property_NAME` in assets and filters.
        label: text that people see.
        type: `text`, `longtext`, `date`, or one that takes options: `select`, `select2`, …
    """

    id: str
    name: str
    label: Annotated[str, Key("label", "name")]
    type: str
    is_multiselect: bool
    is_required: bool
    is_editable: bool
    options: Annotated[tuple[Option, ...], _options]
    raw: Mapping[str, Any] = attrs.field(repr=False, eq=False)

    @property
    def takes_options(self) -> bool:
        """Return whether people choose its values from options."""
        return self.type in _WITH_OPTIONS or bool(self.options)

    @property
    def is_single(self) -> bool:
        """Return whether the portal allows only one of its options for each asset."""
        return not self.is_multiselect and find(self.raw, "isMultiselect") is not None

    def is_like(self, type: str) -> bool:
        """Return whether it accepts the same values as a metaproperty of this type."""
        kinds = (_WITH_OPTIONS, _FREE_TEXT)
        return self.type == type or any({self.type, type} <= kind for kind in kinds)

    def option(self, wanted: str) -> Option | None:
        """Return the option with this name, otherwise this id, otherwise this label."""
        for key in ("name", "id", "label"):
            for option in self.options:
                if getattr(option, key) == wanted:
                    return option
        return None


@attrs.frozen(slots=False)
class Smartfilter(Record):
    """A group of metaproperties that the portal offers as a filter."""

    id: str
    labels: Mapping[str, str] = attrs.field(eq=False)
    metaproperty_ids: Annotated[tuple[str, ...], Key("metaproperties"), ids]
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)
