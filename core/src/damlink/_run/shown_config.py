"""Config for other eyes: secrets as references, and only texts that are known to be no secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any, Final, TypeAlias

import attrs

from damlink._config.load import reference
from damlink._config.references import is_reference
from damlink._config.settings import Field
from damlink._http.redact import is_secret_name
from damlink._secret import Secret

__all__ = ["NOT_SHOWN", "ShownConfig", "show_config"]

NOT_SHOWN: Final = "(not shown)"
# User and password of an address, and everything after its path.
_PARTS_OF_ADDRESS: Final = re.compile(r"(?<=://)[^\s@]*@|(?<=\S)[?#]\S+")

FieldsOf: TypeAlias = Callable[[str], Sequence[Field]]


@attrs.frozen
class ShownConfig:
    """A config that may be shown.

    Attributes:
        tables: what is shown.
        references: the references to secrets in it, such as `{"env": "TOKEN"}`.
        hidden: the values that are not shown, any of which may be a secret.
    """

    tables: Mapping[str, Any]
    references: Sequence[Mapping[str, str]]
    hidden: Sequence[str]


def show_config(tables: Mapping[str, Any], fields_of: FieldsOf) -> ShownConfig:
    """Return what may be shown of a config.

    A text or number is shown if its setting is declared, and is not declared as a secret: one without a
    declaration may be a password in the wrong place. Comments are no part of the tables.

    Args:
        tables: of the file, as TOML has them.
        fields_of: returns the settings of a connector's plugin; none if it cannot be loaded.
    """
    view = _View(_declared(tables, fields_of))
    shown = view.show_table("", tables)
    return ShownConfig(shown, view.references, view.hidden)


def _declared(tables: Mapping[str, Any], fields_of: FieldsOf) -> dict[str, frozenset[str]]:
    """Return the settings that are no secrets, by the path of their table."""
    own = {name: _harmless(fields) for name, fields in reference().items()}
    found = {name: names for name, names in own.items() if "NAME" not in name}
    for kind in ("portals", "connectors"):
        for name in _names(tables.get(kind)):
            found[f"{kind}.{name}"] = own[f"{kind}.NAME"]
    for name in _names(tables.get("connectors")):
        found[f"connectors.{name}"] |= _harmless_of_plugin(fields_of(name))
    return found


def _names(tables: Any) -> Iterator[str]:
    yield from (str(name) for name in (tables if isinstance(tables, Mapping) else ()))


def _harmless(fields: Iterable[Field]) -> frozenset[str]:
    return frozenset(each.name for each in fields if Secret not in (each.type, each.part_type))


def _harmless_of_plugin(fields: Iterable[Field]) -> frozenset[str]:
    """Return the settings that are no secrets by their declaration and by their names."""
    return _harmless(each for each in fields if each.name.endswith("_url") or not is_secret_name(each.name))


class _View:
    """What is shown of a config, and what was found on the way."""

    def __init__(self, declared: Mapping[str, frozenset[str]]) -> None:
        self._declared = declared
        self.references: list[Mapping[str, str]] = []
        self.hidden: list[str] = []

    def show_table(self, path: str, table: Mapping[str, Any]) -> dict[str, Any]:
        """Return a table with the values that may be shown."""
        known = self._declared.get(path, frozenset())
        return {
            name: self._show(f"{path}.{name}" if path else name, value, is_known=name in known)
            for name, value in table.items()
        }

    def _show(self, path: str, value: Any, *, is_known: bool) -> Any:
        if is_reference(value):
            self.references.append({str(kind): str(name) for kind, name in value.items()})
            return value
        if isinstance(value, Mapping):
            return self.show_table(path, value)
        if isinstance(value, list):
            return [self._show(path, each, is_known=is_known) for each in value]
        if is_known or isinstance(value, bool | date | time):
            return self._without_parts(value) if isinstance(value, str) else value
        self.hidden.append(str(value))
        return NOT_SHOWN

    def _without_parts(self, text: str) -> str:
        """Return a text without what may be a secret in an address."""
        self.hidden += _PARTS_OF_ADDRESS.findall(text)
        return _PARTS_OF_ADDRESS.sub("", text)
