"""Cures for errors of the database's driver."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from damlink._system.process import holders

__all__ = ["cause_of", "hint_for"]

_OTHERWISE: Final = "check the database and state.url, then run again; nothing is lost"
# By a part of the driver's words, since neither driver numbers all of its errors. The first that fits counts.
_HINTS: Final = (
    (
        # A missing table or column: the log of another database was applied to it.
        ("malformed", "not a database", "no such column", "no such table"),
        "check the database and state.url; if it is damaged, put a backup in its place",
    ),
    (("read-only transaction", "recovery mode"), "connect to the primary server, which can be written"),
    (
        ("too many connections", "too many clients", "connection slots"),
        "raise max_connections or the limit of the role, or stop other programs; nothing is lost",
    ),
    (
        ("starting up", "shutting down", "terminating connection", "server closed the connection"),
        "wait until the server is up again, then run again; nothing is lost",
    ),
    (("full", "no space"), "make room on the disk, then run again; nothing is lost"),
    (("i/o",), "check the disk and that it has room, then run again; nothing is lost"),
    (
        ("unable to open", "readonly", "read-only"),
        "check that the folder exists, that it can be written, and that its disk has room",
    ),
)


def cause_of(error: sa.exc.DBAPIError) -> str:
    """Return the driver's words in one line."""
    return " ".join(str(error.orig).split()) or type(error).__name__


def hint_for(error: sa.exc.DBAPIError, file: Path | None) -> str:
    """Return what to do about an error.

    Args:
        file: the database's file, on SQLite.
    """
    cause = cause_of(error).lower()
    if "locked" in cause or "busy" in cause:
        names = (file, Path(f"{file}-shm"), Path(f"{file}-wal")) if file else ()
        who = ", ".join(str(each) for each in holders(*names))
        holder = f"process {who}" if who else "another program"
        return f"{holder} holds the database: close it, then run again"
    found = (hint for words, hint in _HINTS if any(word in cause for word in words))
    return next(found, _OTHERWISE)
