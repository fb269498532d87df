"""Changes `damlink.toml` and keeps its comments. Owns tomlkit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError

from damlink._system.private_files import FILE_MODE
from damlink._system.whole_file import replacing
from damlink.errors import ConfigError

__all__ = ["ConfigFile", "document", "toml_value"]


class ConfigFile:
    """A config as text, changed a table at a time; written in one step, or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        try:
            self._document = tomlkit.parse(text)
        except ParseError as error:
            raise ConfigError(str(path), f"not valid TOML: {error}", hint="correct that line") from error

    @property
    def text(self) -> str:
        """The config as it would be written."""
        return tomlkit.dumps(self._document)

    def update(self, kind: str, name: str, values: Mapping[str, Any]) -> None:
        """Set keys of `[kind.name]`, which is made if it is not there; `None` takes a key out."""
        if kind not in self._document:
            self._document.add(kind, tomlkit.table(is_super_table=True))
        tables: Any = self._document[kind]
        if name not in tables:
            tables[name] = tomlkit.table()
        for key, value in values.items():
            if value is None:
                tables[name].pop(key, None)
            else:
                tables[name][key] = _written(value, depth=3)

    def write(self) -> None:
        """Replace the file: whoever reads it sees the old one or the new one."""
        try:
            with replacing(self.path, FILE_MODE) as file:
                file.write(self.text.encode())
        except OSError as error:
            hint = "make its folder, and writable"
            raise ConfigError(str(self.path), f"cannot be written: {error}", hint=hint) from error


def document(tables: Mapping[str, Any]) -> str:
    """A new config with these tables, as text."""
    return tomlkit.dumps({name: _written(table, depth=1) for name, table in tables.items()})


def toml_value(text: str) -> Any:
    """What a person writes after `KEY=`: a TOML value, `env:NAME`, `file:PATH`, `secret:NAME`, or text."""
    kind, colon, name = text.partition(":")
    if colon and kind in ("env", "file", "secret"):
        return {kind: name}
    try:
        return tomlkit.value(text).unwrap()
    except (ParseError, ValueError):
        return text


def _written(value: Any, depth: int) -> Any:
    """Tables down to `[connectors.NAME]`; what is within one stands on one line."""
    if not isinstance(value, Mapping):
        return tomlkit.date(value.isoformat()) if isinstance(value, date) else value
    entries = {key: _written(each, depth + 1) for key, each in value.items()}
    if depth <= 2:
        return entries
    inline = tomlkit.inline_table()
    inline.update(entries)
    return inline
