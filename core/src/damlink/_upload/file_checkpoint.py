"""Checkpoint of one upload without a database: in a file, so that the upload can continue, or in memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from damlink._checkpoint import ScopedCheckpoint
from damlink._system.private_files import FILE_MODE
from damlink._system.whole_file import replacing
from damlink.errors import StateError

__all__ = ["FileCheckpoint"]


class FileCheckpoint:
    """Checkpoint of an upload that is not part of a connector's run.

    Args:
        path: path of the file, readable by its owner only; `None` keeps the values in memory.

    Raises:
        StateError: the file exists and is no checkpoint.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._values: dict[str, Any] = _read(path) if path else {}

    @property
    def source_id(self) -> str:
        """Empty: the file belongs to no source asset."""
        return ""

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value kept under a name, or `default`."""
        return self._values.get(name, default)

    def put(self, **values: Any) -> None:
        """Store values; they are durable when this returns. `None` removes a name."""
        merged = {name: value for name, value in {**self._values, **values}.items() if value is not None}
        if self._path:
            _write(self._path, merged)
        self._values = merged

    def scope(self, name: str) -> ScopedCheckpoint:
        """Return a part of the checkpoint."""
        return ScopedCheckpoint(self, name)

    def remove(self) -> None:
        """Remove all values, and the file."""
        self._values = {}
        if self._path:
            self._path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StateError(f"cannot read the notes in {path}: {error}", hint="name another file") from error
    if not isinstance(values, dict):
        raise StateError(f"{path} does not hold the notes of an upload", hint="name another file")
    return values


def _write(path: Path, values: dict[str, Any]) -> None:
    """Replace the file as a whole, so that a crash leaves the old values or the new ones."""
    with replacing(path, FILE_MODE) as file:
        file.write(json.dumps(values).encode())
