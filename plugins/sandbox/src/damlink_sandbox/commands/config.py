"""A `damlink.toml` for the sandbox: its portal, and a connector for each partner."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import tomlkit

from damlink_sandbox.world import Part

__all__ = ["PORTAL", "write_sandbox_config"]

FILENAME: Final = "damlink.toml"
SECRETS: Final = "secrets"
PORTAL: Final = "sandbox"


def write_sandbox_config(folder: Path, parts: Iterable[Part], serve: Mapping[str, Any] | None = None) -> Path:
    """Write a config into a folder, with its secrets in files beside it, and return its path.

    A part without a connector is no partner: it plays a service that the portal uses.

    Args:
        serve: the table `[serve]`, if there is to be one.
    """
    portal, *others = parts
    partners = [part for part in others if part.connector()]
    own = _store_secrets(folder, PORTAL, portal) | {"index_lag": "2s"}
    for part in others:
        # Some parts add settings to the portal's table, such as the address of the notification service.
        own |= getattr(part, "portal", dict)()
    tables = {
        **({"serve": dict(serve)} if serve else {}),
        "portals": {PORTAL: own},
        "connectors": {part.name: _store_secrets(folder, part.name, part) for part in partners},
    }
    path = folder / FILENAME
    _write(path, tomlkit.dumps({name: _toml(table, depth=1) for name, table in tables.items()}))
    return path


def _store_secrets(folder: Path, name: str, part: Part) -> dict[str, Any]:
    """Return the table of a part's connector, each secret replaced by a reference to a file."""
    secret = set(part.secrets())
    return {
        key: _store(folder, f"{name}-{key}", value) if key in secret else value
        for key, value in part.connector().items()
    }


def _store(folder: Path, name: str, value: str) -> dict[str, str]:
    secrets = folder / SECRETS
    secrets.mkdir(mode=0o700, exist_ok=True)
    _write(secrets / name, value)
    return {"file": f"{SECRETS}/{name}"}


def _toml(value: Any, depth: int) -> Any:
    """Convert tables down to `[connectors.NAME]`; a table within one stands on one line."""
    if not isinstance(value, Mapping):
        return value
    entries = {key: _toml(each, depth + 1) for key, each in value.items()}
    if depth <= 2:
        return entries
    inline = tomlkit.inline_table()
    inline.update(entries)
    return inline


def _write(path: Path, text: str) -> None:
    """Replace a file in one step; only its owner can read it."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text.encode())
    unfinished.replace(path)
