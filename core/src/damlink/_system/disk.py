"""Errors of the operating system on a file: the file, the cause and the cure."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping
from typing import Final

from damlink.errors import StateError

__all__ = ["cure_of", "describe_error", "is_file_error", "naming", "translating"]

_ROOM: Final = "make room on its disk, then run again"
_LIMIT: Final = "raise the limit of open files (`ulimit -n`), then run again"
_DISK: Final = {
    "ENOSPC": _ROOM,
    "EDQUOT": "make room within this user's quota, then run again",
    "EFBIG": "raise the limit of a file's size (`ulimit -f`), then run again",
    "EIO": "check its disk, or the connection to it, then run again",
    "ESTALE": "check the connection to its disk, then run again",
    "EROFS": "its disk is mounted read-only: make it writable, then run again",
    "EACCES": "give this user the right to it and to its folder, then run again",
    "EPERM": "give this user the right to it and to its folder, then run again",
    "EMFILE": _LIMIT,
    "ENFILE": _LIMIT,
    "ENOLCK": "put it on a disk that can lock files, then run again",
}
_NAME: Final = {
    "ENOENT": "name a file that exists",
    "ENOTDIR": "name a file in a folder",
    "EISDIR": "name a file, not a folder",
    "ENAMETOOLONG": "give it a shorter name",
}


def _map_by_number(cures: Mapping[str, str]) -> dict[int, str]:
    """Return the cures by the numbers that this system has."""
    return {getattr(errno, name): cure for name, cure in cures.items() if hasattr(errno, name)}


_OF_DISKS: Final = _map_by_number(_DISK)
_OF_NAMES: Final = _map_by_number(_NAME)


def is_file_error(error: BaseException) -> bool:
    """Return whether an error is the system's, about a file that it names."""
    return (
        isinstance(error, OSError) and error.filename is not None and error.errno in {*_OF_DISKS, *_OF_NAMES}
    )


def describe_error(error: OSError) -> str:
    """Return file and cause, such as `damlink.key: No space left on device`."""
    cause = error.strerror or str(error)
    return cause if error.filename is None else f"{os.fsdecode(error.filename)}: {cause}"


def cure_of(error: OSError, otherwise: str = "") -> str:
    """Return what a person can do about an error.

    Args:
        otherwise: if it is not the disk's error; by default, to name another file.
    """
    number = error.errno or 0
    return _OF_DISKS.get(number) or otherwise or _OF_NAMES.get(number, "")


@contextlib.contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file in errors of the block. The system names none that is open already."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = os.fspath(path)
        raise


@contextlib.contextmanager
def translating() -> Iterator[None]:
    """Raise a `StateError` in place of an error of a file that the block has named."""
    try:
        yield
    except OSError as error:
        if not is_file_error(error):
            raise
        raise StateError(describe_error(error), hint=cure_of(error)) from error
