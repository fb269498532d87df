"""A marker outside the database that shows when an older copy of the database was put in its place.

For each database and connector one small file in the user's state folder holds a count that grows with
all that is carried. It is written after the database, so it is never ahead of it by honest means. A crash
leaves it behind, which does no harm. It is forced to the disk at both ends of a run and now and then.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from damlink._http.pace import default_path
from damlink._state.database import Database
from damlink._state.identity import Identity
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._system.private_files import FILE_MODE, make_folder
from damlink.errors import StateError

__all__ = ["Marker", "accept", "is_restored", "verify_not_restored"]

DIGITS: Final = 20
SYNC_EVERY: Final = 100  # assets; a power failure may leave the marker so far behind
CLOCK_TOLERANCE: Final = timedelta(minutes=5)  # between this machine's clock and the portal's

_CURE: Final = "`damlink state accept` goes on with it and looks in the portal before it carries anything"


class Marker:
    """The count of one connector of one database, beside the database.

    Raises:
        StateError: from every method: the file cannot be used.
    """

    def __init__(self, identity: str, connector: str) -> None:
        self.path = default_path().parent / "databases" / identity / quote(connector, safe="")
        self._notes = 0

    def read(self) -> int:
        """Return the count; 0 if there is none."""
        with self._translated():
            if not self.path.exists():
                return 0
            text = self.path.read_bytes().strip()
        # A power failure may leave an empty file.
        if text and not text.isdigit():
            raise StateError(f"{self.path}: not a marker of Damlink's", hint=_CURE)
        return int(text or 0)

    def note(self, count: int, *, durable: bool = False) -> None:
        """Raise the count; it never goes back."""
        self._notes += 1
        with self._opened() as handle:
            known = os.pread(handle, DIGITS, 0).strip()
            if not known.isdigit() or int(known) < count:
                os.pwrite(handle, b"%0*d\n" % (DIGITS, count), 0)
            if durable or self._notes % SYNC_EVERY == 0:
                os.fsync(handle)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        with self._translated():
            make_folder(self.path.parent)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, FILE_MODE)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield handle
            finally:
                os.close(handle)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            hint = "make the folder writable, or set DAMLINK_STATE_DIR to a folder of your own"
            raise StateError(f"{self.path}: {error.strerror}", hint=hint) from error


def is_restored(database: Database, connector: str) -> bool:
    """Return whether the database is older than what the marker has seen of it.

    Raises:
        StateError: the marker cannot be read.
    """
    identity = Identity(database)
    known = identity.get()
    # First the marker: the database may go on meanwhile.
    marked = Marker(known, connector).read() if known else 0
    return identity.count(connector) < marked


def verify_not_restored(database: Database, connector: str) -> None:
    """Refuse a database that was restored from a backup.

    Raises:
        StateError: it is older than its marker, or the marker cannot be read.
    """
    if is_restored(database, connector):
        what = f"{database.place}: the database is older than the last run of {connector}, as after a restore"
        raise StateError(what, hint=_CURE)


def accept(database: Database, connectors: list[str], now: Callable[[], datetime]) -> None:
    """Go on with a restored database: every row is looked for in the portal before it is carried.

    The database gets a new identity, so that the one it is a copy of may go on as well.

    Raises:
        RunActiveError: a run is active.
    """
    latest = Identity(database).latest_write()
    since = latest - CLOCK_TOLERANCE if latest else None
    for name in connectors:
        with Lease(database, name) as lease:
            Ledger(database, name, lease.epoch).look_in_portal(now(), since)
    Identity(database).renew()
