"""Size of the parts of an upload: few large ones, or small ones where large ones do not work."""

from __future__ import annotations

import logging
import threading
from typing import Final

__all__ = [
    "LARGEST_PART_BYTES",
    "MOST_PARTS",
    "SMALLEST_PART_BYTES",
    "PartSizes",
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

_log = logging.getLogger("damlink.upload")


def smallest_part(size: int) -> int:
    """Return the smallest part of a file of this size, in bytes."""
    return max(SMALLEST_PART_BYTES, -(-size // MOST_PARTS))


class PartSizes:
    """Sizes of the parts of new uploads into one portal, until this process ends."""

    def __init__(self) -> None:
        self._accepts_large = True
        self._lock = threading.Lock()

    def choose(self, size: int) -> int:
        """Return the size of each part but the last, for a file whose parts need no memory."""
        if not self._accepts_large:
            return smallest_part(size)
        share = -(-size // (_PARTS_OF_A_FILE * _MIB)) * _MIB
        return max(smallest_part(size), min(share, LARGEST_PART_BYTES))

    def avoid_large(self, part_bytes: int, cause: str) -> None:
        """Send small parts only from now on, because larger ones were refused."""
        with self._lock:
            if not self._accepts_large or part_bytes <= SMALLEST_PART_BYTES:
                return
            self._accepts_large = False
        _log.warning(
            "parts of %d MiB are refused; sending parts of %d MiB from now on: %s",
            part_bytes // _MIB,
            SMALLEST_PART_BYTES // _MIB,
            cause,
        )
