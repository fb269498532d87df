"""The notes of one upload without a database: in a file, so that it can be taken up again, or in memory."""

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
    """A checkpoint for whoever uploads one file by hand.

    Args:
        path: of the file, readable by its owner only; `None` keeps the notes in memory.

    Raises:
        StateError: the file is there and holds something else.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._values: dict[str, Any] = _read(path) if path else {}

    @property
    def source_id(self) -> str:
        """Nobody else's asset."""
        return ""

    def get(self, name: str, default: Any = None) -> Any:
        """The value noted under a name, or `default`."""
        return self._values.get(name, default)

    def put(self, **values: Any) -> None:
        """Note values; durable when this returns. `None` forgets a name."""
        merged = {name: value for name, value in {**self._values, **values}.items() if value is not None}
        if self._path:
            _write(self._path, merged)
        self._values = merged

    def scope(self, name: str) -> ScopedCheckpoint:
        """Return a part of the notes."""
        return ScopedCheckpoint(self, name)

    def remove(self) -> None:
        """Forget everything, the file too."""
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
    """Replace the file whole, so that a crash leaves the old notes or the new ones."""
    with replacing(path, FILE_MODE) as file:
        file.write(json.dumps(values).encode())
