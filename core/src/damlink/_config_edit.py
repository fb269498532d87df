"""Writes `damlink.toml`. Owns tomlkit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit

__all__ = ["document"]


def document(tables: Mapping[str, Any]) -> str:
    """A new config with these tables, as text."""
    return tomlkit.dumps({name: _inlined(table) for name, table in tables.items()})


def _inlined(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Each entry as a table, and what is within it on one line."""
    return {name: {key: _inline(value) for key, value in table.items()} for name, table in tables.items()}


def _inline(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    inline = tomlkit.inline_table()
    inline.update(value)
    return inline
