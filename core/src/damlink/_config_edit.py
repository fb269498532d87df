"""Writes `damlink.toml`. Owns tomlkit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit

__all__ = ["document"]


def document(tables: Mapping[str, Any]) -> str:
    """A new config with these tables, as text."""
    return tomlkit.dumps({name: _written(table, depth=1) for name, table in tables.items()})


def _written(value: Any, depth: int) -> Any:
    """Tables down to `[connectors.NAME]`; what is within one stands on one line."""
    if not isinstance(value, Mapping):
        return value
    entries = {key: _written(each, depth + 1) for key, each in value.items()}
    if depth <= 2:
        return entries
    inline = tomlkit.inline_table()
    inline.update(entries)
    return inline
