"""The table `[connectors.NAME.metadata]`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from damlink._config.settings import setting

__all__ = ["PLACEHOLDERS", "MetadataConfig"]

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
PLACEHOLDERS: Final = ("name", "title", "source_id", "filename")


@attrs.frozen
class MetadataConfig:
    """`[connectors.NAME.metadata]`: what new assets get beside what the plugin gives them."""

    name: str = setting(
        default="",
        help="Name of each asset: text with `{name}` (the plugin's), `{title}`, `{source_id}`, `{filename}` "
        "or `{raw.FIELD}`, a field of the source's record.",
    )
    tags: tuple[str, ...] = setting(default=(), help="Tags in addition to the plugin's.")
    metaproperties: Mapping[str, Any] = setting(
        default=None, help="Metaproperties with their values, by name or label; a list for several values."
    )
    fields: Mapping[str, str] = setting(
        default=None,
        help="Metaproperties, each with the field of the source's record that its value comes from, such as "
        '`photographer = "artist.name"`.',
    )
    collection: str = setting(default="", help="Collection that each asset is added to, by name or id.")

    def validate(self) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with the template of the name and with the values of the tables."""
        for placeholder in _PLACEHOLDER.findall(self.name):
            if placeholder not in PLACEHOLDERS and not placeholder.startswith("raw."):
                known = ", ".join(f"{{{each}}}" for each in (*PLACEHOLDERS, "raw.FIELD"))
                yield "name", f"there is no {{{placeholder}}}; known: {known}"
        for name, value in (self.metaproperties or {}).items():
            values = value if isinstance(value, list) else [value]
            if not all(isinstance(each, str) for each in values):
                yield f"metaproperties.{name}", f"expected text or a list of texts, got {value!r}"
            if name in (self.fields or {}):
                yield f"fields.{name}", "it has a value in `metaproperties`, too"

    def fill_name(self, value_of: Callable[[str], str]) -> str:
        """Return the name with the value of each placeholder."""
        return _PLACEHOLDER.sub(lambda match: value_of(match[1]), self.name)
