"""Size of the parts of an upload: few large ones, or small ones where large ones do not work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

__all__ = [
    "LARGEST_PART_BYTES",
    "MOST_PARTS",
    "SMALLEST_PART_BYTES",
    "Memory",
    "PartSizes",
    "count_requests",
    "smallest_part",
]

_MIB: Final = 1024 * 1024
# S3 demands at least 5 MB.
SMALLEST_PART_BYTES: Final = 6 * _MIB
# S3 accepts 5 GB. A part that is lost, or not registered when the process ends, is sent again.
LARGEST_PART_BYTES: Final = 128 * _MIB
# S3's own limit of a multipart upload.
MOST_PARTS: Final = 10_000
# Each part costs a request to the portal; these suffice to send a file in parallel.
_PARTS_OF_A_FILE: Final = 4

# After this time large parts are tried once more.
_MEMORY: Final = timedelta(days=30)
_KEY: Final = "small parts: "

_log = logging.getLogger("damlink.upload")


def smallest_part(size: int) -> int:
    """Return the smallest part of a file of this size, in bytes."""
    return max(SMALLEST_PART_BYTES, -(-size // MOST_PARTS))


def count_requests(size: int, *, is_version: bool) -> int:
    """Return how many requests to the portal an upload takes, about: one for each part, and a few more."""
    parts = -(-size // PartSizes().choose(size))
    # Begin, finalise, poll once, save; of a version the active one is read before.
    return parts + 4 + is_version


class Memory(Protocol):
    """Durable values."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or `default`."""

    def put(self, key: str, value: Any) -> None:
        """Store a JSON value."""


class PartSizes:
    """Sizes of the parts of new uploads into one portal.

    Args:
        portal: address of the portal.
        open_memory: opens the place where a refusal of large parts is remembered. It is called for the first
            file that can have large parts. If not given, a refusal is remembered by this object only.
    """

    def __init__(self, portal: str = "", open_memory: Callable[[], Memory] | None = None) -> None:
        self._key = _KEY + portal
        self._open_memory = open_memory
        self._accepts_large: bool | None = None if open_memory else True
        self._lock = threading.Lock()

    def choose(self, size: int) -> int:
        """Return the size of each part but the last, for a file whose parts need no memory."""
        share = min(-(-size // (_PARTS_OF_A_FILE * _MIB)) * _MIB, LARGEST_PART_BYTES)
        smallest = smallest_part(size)
        return share if share > smallest and self._are_large_accepted() else smallest

    def avoid_large(self, part_bytes: int, cause: str) -> None:
        """Make small parts only from now on, because larger ones were refused."""
        with self._lock:
            if self._accepts_large is False or part_bytes <= SMALLEST_PART_BYTES:
                return
            self._accepts_large = False
            if self._open_memory is not None:
                self._open_memory().put(self._key, datetime.now(UTC).isoformat())
        _log.warning(
            "parts of %d MiB are refused; sending parts of %d MiB from now on: %s",
            part_bytes // _MIB,
            SMALLEST_PART_BYTES // _MIB,
            cause,
        )

    def _are_large_accepted(self) -> bool:
        with self._lock:
            if self._accepts_large is None and self._open_memory is not None:
                refused = self._open_memory().get(self._key)
                is_recent = refused and datetime.now(UTC) - datetime.fromisoformat(refused) < _MEMORY
                self._accepts_large = not is_recent
            return bool(self._accepts_large)
