"""Files and folders for this user alone, independent of the umask."""

from __future__ import annotations

import functools
import logging
import os
import shlex
import stat
from pathlib import Path
from typing import Final

__all__ = ["FILE_MODE", "make_file", "make_folder", "warn_if_shared"]

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600

_log = logging.getLogger("damlink")


def make_folder(path: Path) -> None:
    """Create a folder and its parents, if they do not exist."""
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    path.mkdir(mode=FOLDER_MODE, exist_ok=True)


def make_file(path: Path) -> None:
    """Create an empty file if it does not exist; SQLite's files beside it get the same mode.

    Raises:
        OSError: it cannot be created.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
    except FileExistsError:
        return


@functools.cache
def warn_if_shared(path: Path) -> None:
    """Warn once if other users may read or write a file with secrets."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if stat.S_IMODE(mode) & ~FILE_MODE & 0o077:
        _log.warning("%s is open to other users: run `chmod 600 %s`", path, shlex.quote(str(path)))
