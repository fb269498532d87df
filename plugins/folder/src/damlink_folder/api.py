"""A folder and its files, wherever it is. No other module calls the operating system or a server for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import attrs

from damlink import Content

__all__ = ["Child", "Entry", "Folder"]


@attrs.frozen
class Entry:
    """State of one file.

    Attributes:
        path: below the folder, its parts separated by `/`.
        modified_ns: time of the last change of its bytes, in nanoseconds since 1970.
        changed: time of the last change of any kind, in seconds since 1970.
    """

    path: str
    size: int
    modified_ns: int
    changed: float

    @property
    def signature(self) -> str:
        """Return a text that changes with the file's bytes."""
        return f"{self.size}-{self.modified_ns}"


@attrs.frozen(order=True)
class Child:
    """Name in a folder, of a regular file or of a folder. Symbolic links are neither."""

    name: str
    is_folder: bool


class Folder(Protocol):
    """Folder that is open for the use in one thread. Paths are below it; links are never followed.

    Each method raises an error of `damlink.errors` for what fails, but for a file that is missing.
    """

    @property
    def clock_skew_seconds(self) -> float:
        """Return by how much the times of its files may differ from the clock of this machine."""

    def children(self, path: str) -> Sequence[Child]:
        """Return what a sub-folder contains, in the order of the names."""

    def find(self, path: str) -> Entry | None:
        """Return the state of a file; `None` if there is no such regular file."""

    def read(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of a file."""

    def content(self, entry: Entry, filename: str) -> Content:
        """Return a file as content, which can be opened after the folder was closed."""

    def write(self, path: str, data: bytes) -> None:
        """Put a file in place, or another in place of it: no reader ever sees a part of it."""

    def move(self, path: str, target: str) -> None:
        """Rename a file. Make the folders of the target."""

    def lock(self, path: str) -> AbstractContextManager[None]:
        """Keep other threads and processes of this machine out of a sub-folder for a moment."""
