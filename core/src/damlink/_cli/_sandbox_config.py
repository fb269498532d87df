"""A config for the sandbox: its portal, and a connector for each partner it plays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from damlink._config.edit import document
from damlink._config.load import FILENAME
from damlink._system.private_files import FILE_MODE
from damlink._system.whole_file import replacing
from damlink_sandbox import Part

__all__ = ["PORTAL", "write_sandbox_config"]

SECRETS = "secrets"
PORTAL = "sandbox"


def write_sandbox_config(folder: Path, parts: Iterable[Part], serve: Mapping[str, Any] | None = None) -> Path:
    """Write a config into a folder, with its secrets in files beside it.

    A part without a connector is no partner, but plays a service that the portal uses.

    Args:
        serve: the table `[serve]`, if there is to be one.
    """
    portal, *others = parts
    partners = [part for part in others if part.connector()]
    own = _table(folder, PORTAL, portal) | {"index_lag": "2s"}
    for part in others:
        own |= getattr(part, "portal", dict)()  # what else the portal's table says where this part runs
    tables = {
        **({"serve": dict(serve)} if serve else {}),
        "portals": {PORTAL: own},
        "connectors": {part.name: _table(folder, part.name, part) for part in partners},
    }
    path = folder / FILENAME
    _write(path, document(tables))
    return path


def _table(folder: Path, name: str, part: Part) -> dict[str, Any]:
    table: Mapping[str, Any] = part.connector()
    secret = set(part.secrets())
    return {
        key: _kept(folder, f"{name}-{key}", value) if key in secret else value for key, value in table.items()
    }


def _kept(folder: Path, name: str, value: str) -> dict[str, str]:
    secrets = folder / SECRETS
    secrets.mkdir(mode=0o700, exist_ok=True)
    _write(secrets / name, value)
    return {"file": f"{SECRETS}/{name}"}


def _write(path: Path, text: str) -> None:
    with replacing(path, FILE_MODE) as file:
        file.write(text.encode())
