"""Atomic writing of files."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from damlink._system.disk import naming

__all__ = ["replacing"]


@contextlib.contextmanager
def replacing(path: Path, mode: int | None = None) -> Iterator[BinaryIO]:
    """Write a file under another name in its folder, and rename it when it is complete.

    If writing fails the folder stays as it was. A path that is no file, such as `/dev/stdout` or a pipe, is
    written to directly. A link stays a link.

    Args:
        mode: the mode of a new file, by default that of the umask. An existing file keeps its own.

    Raises:
        OSError: the file cannot be written; it is named in the error.
    """
    with naming(path):
        target = path.resolve()
        if target.exists() and not target.is_file():
            with path.open("wb") as file:
                yield file
            return
        with _replacing(target, mode) as file:
            yield file


@contextlib.contextmanager
def _replacing(target: Path, mode: int | None) -> Iterator[BinaryIO]:
    unfinished = target.with_name(f".damlink-{secrets.token_hex(6)}.part")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode)
    try:
        with os.fdopen(handle, "wb") as file:
            if target.exists():
                unfinished.chmod(stat.S_IMODE(target.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except BaseException:
        # A disk that fails may refuse this as well: the first error is the cause.
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
