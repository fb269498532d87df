"""Parts of a checkpoint: what one upload notes, apart from everything else that a transfer notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

__all__ = [
    "UPLOAD_RECORD",
    "Checkpoint",
    "ScopedCheckpoint",
    "finished_uploads",
    "forget_unclear",
    "has_unclear",
    "upload_record",
    "without_uploads",
]

UPLOAD_RECORD: Final = "damlink.upload"
_UPLOAD_NAMES: Final = ("upload", "import", "save", "saved", "version", "not_ready")
# What tells a note of an upload from a plugin's own note of that name.
_SHAPES: Final[Mapping[str, frozenset[str]]] = {
    "upload": frozenset({"upload_id", "part_bytes"}),
    "import": frozenset({"id", "crc32"}),
    "save": frozenset({"since", "tries"}),
}


class Checkpoint(Protocol):
    """Durable values of one asset's transfer: encrypted at rest, deleted when the transfer is finished."""

    @property
    def source_id(self) -> str:
        """Id of the source asset that this transfer belongs to."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return the JSON value kept under a name, or `default`."""

    def put(self, **values: Any) -> None:
        """Store JSON values; they are committed when this returns. `None` removes a name.

        Raises:
            LeaseLostError: another run has taken over: do nothing more.
        """

    def scope(self, name: str) -> Checkpoint:
        """Return a part of the checkpoint under a name: for a second upload, or a plugin's own use.

        Each upload into the portal needs a checkpoint, or a part of one, of its own.
        """


class ScopedCheckpoint:
    """A checkpoint within a checkpoint: all of its notes stand under one name of the outer one.

    Args:
        checkpoint: the outer one.
        name: under which it keeps the notes.
    """

    def __init__(self, checkpoint: Checkpoint, name: str) -> None:
        self._checkpoint = checkpoint
        self._name = name

    @property
    def source_id(self) -> str:
        """The source asset whose transfer this is."""
        return self._checkpoint.source_id

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value noted under a name, or `default`."""
        return self._values().get(name, default)

    def put(self, **values: Any) -> None:
        """Note values; durable when this returns. `None` forgets a name."""
        together = self._values() | values
        kept = {name: value for name, value in together.items() if value is not None}
        self._checkpoint.put(**{self._name: kept or None})

    def scope(self, name: str) -> ScopedCheckpoint:
        """Return a part of this part."""
        return ScopedCheckpoint(self, name)

    def _values(self) -> dict[str, Any]:
        return dict(self._checkpoint.get(self._name) or {})


def upload_record(checkpoint: Checkpoint) -> ScopedCheckpoint:
    """Return the part of a checkpoint that an upload notes its progress in.

    Versions before 0.2 noted it beside the plugin's own notes: such notes are moved.
    """
    record = ScopedCheckpoint(checkpoint, UPLOAD_RECORD)
    noted = {name: value for name in _UPLOAD_NAMES if (value := checkpoint.get(name)) is not None}
    if any(_is_ours(name, value) for name, value in noted.items()):
        moved = noted | (checkpoint.get(UPLOAD_RECORD) or {})
        checkpoint.put(**{UPLOAD_RECORD: moved}, **dict.fromkeys(noted))
    return record


def has_unclear(values: Mapping[str, Any]) -> bool:
    """Return whether notes hold, at any depth, a save that was sent and whose result is unknown."""
    return _is_unclear(values) or any(
        has_unclear(value) for value in values.values() if isinstance(value, dict)
    )


def forget_unclear(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the notes without the uploads whose save is unclear; everything else stays."""
    gone = _UPLOAD_NAMES if _is_unclear(values) else ()
    kept = {name: value for name, value in values.items() if name not in gone}
    inner = {name: forget_unclear(value) for name, value in kept.items() if isinstance(value, dict)}
    together = kept | inner
    return {name: value for name, value in together.items() if value or not values[name]}


def finished_uploads(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return of the notes only the uploads that are saved: they must not be carried a second time."""
    done = _UPLOAD_NAMES if _is_ours("save", values.get("save")) and values.get("saved") else ()
    kept = {name: value for name, value in values.items() if name in done}
    inner = {name: finished_uploads(value) for name, value in values.items() if isinstance(value, dict)}
    return kept | {name: value for name, value in inner.items() if value and name not in kept}


def without_uploads(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the notes without any upload, at any depth; everything else stays."""
    is_one = any(_is_ours(name, value) for name, value in values.items())
    gone = (UPLOAD_RECORD, *(_UPLOAD_NAMES if is_one else ()))
    kept = {name: value for name, value in values.items() if name not in gone}
    inner = {name: without_uploads(value) for name, value in kept.items() if isinstance(value, dict)}
    return {name: value for name, value in (kept | inner).items() if value or not values[name]}


def _is_unclear(values: Mapping[str, Any]) -> bool:
    return _is_ours("save", values.get("save")) and not values.get("saved")


def _is_ours(name: str, value: Any) -> bool:
    shape = _SHAPES.get(name)
    return shape is not None and isinstance(value, dict) and shape <= value.keys()
