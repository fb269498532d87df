"""Files and folders that are this user's alone, whatever the umask."""

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
    """Make a folder, and those above it, if they are not there."""
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    path.mkdir(mode=FOLDER_MODE, exist_ok=True)


def make_file(path: Path) -> None:
    """Make an empty file if it is not there; what SQLite puts beside it takes its mode over.

    Raises:
        OSError: it cannot be made.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
    except FileExistsError:
        return


@functools.cache
def warn_if_shared(path: Path) -> None:
    """Warn once if other users may read a file that holds secrets, or write to it."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if stat.S_IMODE(mode) & ~FILE_MODE & 0o077:
        _log.warning("%s is open to other users: run `chmod 600 %s`", path, shlex.quote(str(path)))
