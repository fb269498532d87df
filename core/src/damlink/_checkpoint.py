"""Checkpoint of a transfer, its scopes, and the uploads recorded in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from damlink._system.disk import cure_of
from damlink._system.private_files import FILE_MODE
from damlink._system.whole_file import replacing
from damlink.errors import StateError

__all__ = [
    "UPLOAD_RECORD",
    "Checkpoint",
    "FileCheckpoint",
    "ScopedCheckpoint",
    "forget_unclear",
    "has_unclear",
    "keep_finished_uploads",
    "move_early_upload",
    "place_of",
    "uploads_of",
    "without_uploads",
]

UPLOAD_RECORD: Final = "damlink.upload"
_UPLOAD_NAMES: Final = ("upload", "import", "save", "saved", "version", "not_ready")
# Versions before 0.2 shared these names with the plugin: the fields distinguish its values from ours.
_SHAPES: Final[Mapping[str, frozenset[str]]] = {
    "upload": frozenset({"upload_id", "part_bytes"}),
    "import": frozenset({"id", "crc32"}),
    "save": frozenset({"since", "tries"}),
}

_Test = Callable[[Mapping[str, Any]], bool]


class Checkpoint(Protocol):
    """Durable values of one asset's transfer: encrypted at rest, deleted when the transfer is finished."""

    @property
    def source_id(self) -> str:
        """Id of the source asset that this transfer belongs to."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return the JSON value kept under a name, or `default`."""

    def put(self, **values: Any) -> None:
        """Store JSON values; they are committed when this returns. `None` removes a name.

        Names that begin with `damlink.` are reserved: `damlink.upload` is the progress of the upload.

        Raises:
            LeaseLostError: another run has taken over: do nothing more.
        """

    def scope(self, name: str) -> Checkpoint:
        """Return a part of the checkpoint under a name: for a second upload, or a plugin's own use.

        Each upload into the portal needs a checkpoint, or a part of one, of its own: a second one under
        the same is an error, and sends nothing.
        """


class ScopedCheckpoint:
    """Checkpoint within a checkpoint: all its values are kept under one name of the outer one.

    Attributes:
        outer: the outer one.
        name: name of this part in the outer one.
    """

    def __init__(self, outer: Checkpoint, name: str) -> None:
        self.outer = outer
        self.name = name

    @property
    def source_id(self) -> str:
        """Id of the source asset that this transfer belongs to."""
        return self.outer.source_id

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value kept under a name, or `default`."""
        return self._values().get(name, default)

    def put(self, **values: Any) -> None:
        """Store values; they are durable when this returns. `None` removes a name."""
        together = self._values() | values
        kept = {name: value for name, value in together.items() if value is not None}
        self.outer.put(**{self.name: kept or None})

    def scope(self, name: str) -> ScopedCheckpoint:
        """Return a part of this part."""
        return ScopedCheckpoint(self, name)

    def _values(self) -> dict[str, Any]:
        return dict(self.outer.get(self.name) or {})


def place_of(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the names of the scopes that lead to a part of a checkpoint."""
    if not isinstance(checkpoint, ScopedCheckpoint):
        return ()
    return (*place_of(checkpoint.outer), checkpoint.name)


def uploads_of(checkpoint: Checkpoint) -> dict[tuple[str, ...], Any]:
    """Return what the present push has uploaded, by the scope of each upload."""
    outermost = checkpoint
    while isinstance(outermost, ScopedCheckpoint):
        outermost = outermost.outer
    found: dict[tuple[str, ...], Any] = getattr(outermost, "uploads", {})
    return found


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
    except OSError as error:
        hint = cure_of(error, "name another file")
        raise StateError(f"cannot read the notes in {path}: {error.strerror}", hint=hint) from error
    except ValueError as error:
        raise StateError(f"cannot read the notes in {path}: {error}", hint="name another file") from error
    if not isinstance(values, dict):
        raise StateError(f"{path} does not hold the notes of an upload", hint="name another file")
    return values


def _write(path: Path, values: dict[str, Any]) -> None:
    """Replace the file as a whole, so that a crash leaves the old values or the new ones."""
    try:
        with replacing(path, FILE_MODE) as file:
            file.write(json.dumps(values).encode())
    except OSError as error:
        hint = f"{cure_of(error, 'make its folder writable')}: the upload goes on from the notes"
        raise StateError(f"cannot write the notes in {path}: {error.strerror}", hint=hint) from error


def move_early_upload(checkpoint: Checkpoint) -> None:
    """Move the progress of an upload into its record.

    Versions before 0.2 kept it in the checkpoint itself, under names that a plugin may use as well.
    """
    early = {name: value for name in _UPLOAD_NAMES if (value := checkpoint.get(name)) is not None}
    if _is_upload(early):
        record = early | (checkpoint.get(UPLOAD_RECORD) or {})
        checkpoint.put(**{UPLOAD_RECORD: record}, **dict.fromkeys(early))


def has_unclear(values: Mapping[str, Any]) -> bool:
    """Return whether a checkpoint holds, at any depth, a save that was sent and whose result is unknown."""
    return _is_unclear(values) or any(
        has_unclear(value) for value in values.values() if isinstance(value, dict)
    )


def forget_unclear(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values without the uploads whose save is unclear."""
    return _without(values, _is_unclear, _is_unclear)


def without_uploads(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values without any upload."""
    return _without(values, _is_upload, lambda _record: True)


def keep_finished_uploads(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return only the uploads that are saved: they must not be sent a second time."""
    names = _UPLOAD_NAMES if _is_finished(values) else ()
    kept = {
        name: value
        for name, value in values.items()
        if name in names or (name == UPLOAD_RECORD and _is_finished(value))
    }
    inner = {name: keep_finished_uploads(value) for name, value in _parts(values) if name not in kept}
    return kept | {name: value for name, value in inner.items() if value}


def _without(values: Mapping[str, Any], is_early: _Test, is_record: _Test) -> dict[str, Any]:
    """Return the values, at every depth, without the uploads for which a test holds.

    Args:
        is_early: test of values that may include those of an upload of a version before 0.2.
        is_record: test of an upload's record.
    """
    names = _UPLOAD_NAMES if is_early(values) else ()
    kept = {
        name: value
        for name, value in values.items()
        if name not in names and not (name == UPLOAD_RECORD and is_record(value))
    }
    kept |= {name: _without(value, is_early, is_record) for name, value in _parts(kept)}
    return {name: value for name, value in kept.items() if value or not values[name]}


def _parts(values: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the scopes of a checkpoint, and what else of it is an object."""
    for name, value in values.items():
        if isinstance(value, dict) and name != UPLOAD_RECORD:
            yield name, value


def _is_unclear(values: Mapping[str, Any]) -> bool:
    return _has_upload_shape("save", values.get("save")) and not values.get("saved")


def _is_finished(values: Mapping[str, Any]) -> bool:
    return _has_upload_shape("save", values.get("save")) and bool(values.get("saved"))


def _is_upload(values: Mapping[str, Any]) -> bool:
    return any(_has_upload_shape(name, value) for name, value in values.items())


def _has_upload_shape(name: str, value: Any) -> bool:
    shape = _SHAPES.get(name)
    return shape is not None and isinstance(value, dict) and shape <= value.keys()
