"""A marker outside the database that shows when an older copy of the database was put in its place.

For each database and connector one small file in the user's state folder holds a count that grows with
each asset carried. It is written after the database, so that it is ahead only of a restored database. After
a crash it may lag behind, which does no harm. It is synced at both ends of a run and every 100 assets.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from damlink._http.pace import default_path
from damlink._state.database import Database
from damlink._state.identity import Identity
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._system.disk import cure_of
from damlink._system.private_files import FILE_MODE, make_folder
from damlink.errors import StateError

__all__ = ["Marker", "accept", "is_restored", "verify_not_restored"]

DIGITS: Final = 20
# Assets. After a power failure the marker lags behind by so many at most.
SYNC_EVERY: Final = 100
# Between this machine's clock and the portal's.
CLOCK_TOLERANCE: Final = timedelta(minutes=5)

_CURE: Final = "`damlink state accept` goes on with it and looks in the portal before it carries anything"


class Marker:
    """File with the count of one connector of one database.

    Raises:
        StateError: from every method: the file cannot be used.
    """

    def __init__(self, identity: str, connector: str) -> None:
        self.path = default_path().parent / "databases" / identity / quote(connector, safe="")
        self._notes = 0

    def read(self) -> int:
        """Return the count; 0 if there is no file."""
        with self._translate_errors():
            if not self.path.exists():
                return 0
            text = self.path.read_bytes().strip()
        # A power failure may leave an empty file.
        if text and not text.isdigit():
            raise StateError(f"{self.path}: not a marker of Damlink's", hint=_CURE)
        return int(text or 0)

    def note(self, count: int, *, durable: bool = False) -> None:
        """Raise the count; a lower one is ignored."""
        self._notes += 1
        with self._open() as handle:
            known = os.pread(handle, DIGITS, 0).strip()
            if not known.isdigit() or int(known) < count:
                os.pwrite(handle, b"%0*d\n" % (DIGITS, count), 0)
            if durable or self._notes % SYNC_EVERY == 0:
                os.fsync(handle)

    @contextlib.contextmanager
    def _open(self) -> Iterator[int]:
        with self._translate_errors():
            make_folder(self.path.parent)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, FILE_MODE)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield handle
            finally:
                os.close(handle)

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            cure = cure_of(error, "make the folder writable")
            hint = f"{cure}, or set DAMLINK_STATE_DIR to a folder of your own"
            raise StateError(f"{self.path}: {error.strerror}", hint=hint) from error


def is_restored(database: Database, connector: str) -> bool:
    """Return whether the database is older than its marker.

    Raises:
        StateError: the marker cannot be read.
    """
    identity = Identity(database)
    known = identity.get()
    # Read the marker first: a run may raise both between the two reads.
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


def accept(database: Database, connectors: list[str]) -> None:
    """Accept a restored database: each row is looked up in the portal before it is carried.

    The database gets a new identity, so that the original of the copy can be used as well.

    Raises:
        RunActiveError: a run is active.
    """
    latest = Identity(database).latest_write()
    since = latest - CLOCK_TOLERANCE if latest else None
    for name in connectors:
        with Lease(database, name) as lease:
            Ledger(database, name, lease.epoch).look_in_portal(since)
    Identity(database).renew()
