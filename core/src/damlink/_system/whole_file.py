"""Files that are there whole or not at all, however their writing ends."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["replacing"]


@contextlib.contextmanager
def replacing(path: Path, mode: int | None = None) -> Iterator[BinaryIO]:
    """Write a file under another name in its folder, and rename it when it is whole.

    If the writing fails, the folder is as it was. What is no file, such as `/dev/stdout` or a pipe, is
    written to directly. A link stays a link.

    Args:
        mode: of a new file; as the umask has it if not given. A file that was there keeps its own.

    Raises:
        OSError: it cannot be written.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        with path.open("wb") as file:
            yield file
        return
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
        unfinished.unlink(missing_ok=True)
        raise
