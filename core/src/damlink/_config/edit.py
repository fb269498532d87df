"""Changes to `damlink.toml` that keep its comments. The only module that uses tomlkit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError

from damlink._config.references import REFERENCE_KINDS
from damlink._system.disk import cure_of
from damlink._system.private_files import FILE_MODE
from damlink._system.whole_file import replacing
from damlink.errors import ConfigError

__all__ = ["ConfigChangedError", "ConfigFile", "document", "toml_value"]


class ConfigChangedError(ConfigError):
    """The config file is no longer what a change began with; it was not written."""


class ConfigFile:
    """Config file as text; it is changed in memory, and written in one step or not at all.

    Args:
        base: the text that is changed; what the file has if not given. It is written only if the file
            still has it.
    """

    def __init__(self, path: Path, base: str | None = None) -> None:
        self.path = path
        # As it is: a conversion of line breaks would change lines that nobody has edited.
        self._before = _read(path) if base is None else base.encode()
        text = self._before.decode()
        try:
            self._document = tomlkit.parse(text)
        except ParseError as error:
            raise ConfigError(str(path), f"not valid TOML: {error}", hint="correct that line") from error

    @property
    def text(self) -> str:
        """The config as it would be written."""
        return tomlkit.dumps(self._document)

    def update(self, kind: str, name: str, values: Mapping[str, Any]) -> None:
        """Set keys of `[kind.name]`, which is created if it is missing; `None` removes a key."""
        if kind not in self._document:
            self._document.add(kind, tomlkit.table(is_super_table=True))
        tables: Any = self._document[kind]
        if name not in tables:
            tables[name] = tomlkit.table()
        for key, value in values.items():
            if value is None:
                tables[name].pop(key, None)
            else:
                tables[name][key] = _to_toml(value, depth=3)

    def write(self) -> None:
        """Replace the file. A reader sees the old file or the new one, never a part.

        Raises:
            ConfigChangedError: somebody else has changed it since it was read.
        """
        if _read(self.path) != self._before:
            hint = "look at it, and do this again"
            raise ConfigChangedError(str(self.path), "was changed meanwhile", hint=hint)
        try:
            with replacing(self.path, FILE_MODE) as file:
                file.write(self.text.encode())
        except OSError as error:
            hint = cure_of(error, "create its folder, and make it writable")
            raise ConfigError(str(self.path), f"cannot be written: {error.strerror}", hint=hint) from error


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def document(tables: Mapping[str, Any]) -> str:
    """Return the text of a new config with these tables."""
    return tomlkit.dumps({name: _to_toml(table, depth=1) for name, table in tables.items()})


def toml_value(text: str) -> Any:
    """Parse the text after `KEY=`: a TOML value, `env:NAME`, `file:PATH`, `secret:NAME`, or plain text."""
    kind, colon, name = text.partition(":")
    if colon and kind in REFERENCE_KINDS:
        return {kind: name}
    try:
        return tomlkit.value(text).unwrap()
    except (ParseError, ValueError):
        return text


def _to_toml(value: Any, depth: int) -> Any:
    """Return a value for tomlkit; a table within `[connectors.NAME]` is written on one line."""
    if not isinstance(value, Mapping):
        return tomlkit.date(value.isoformat()) if isinstance(value, date) else value
    entries = {key: _to_toml(each, depth + 1) for key, each in value.items()}
    if depth <= 2:
        return entries
    inline = tomlkit.inline_table()
    inline.update(entries)
    return inline
