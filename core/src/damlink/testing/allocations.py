"""Memory that a plugin holds, without that of its stand-in, and the line of its code that holds the most."""

from __future__ import annotations

import contextlib
import functools
import threading
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["Holding", "watch_memory"]

# A line of the plugin is that far behind the library that allocates for it.
FRAMES: Final = 25
POLL_SECONDS: Final = 0.05
# Each stops every thread for a moment.
MOST_SNAPSHOTS: Final = 10
# What is smaller does not add up to a file.
LEAST_BYTES: Final = 1024
# Packages that run the stand-ins, and the watch itself.
_OF_STAND_INS: Final = ("damlink_sandbox", "starlette", "uvicorn")
_OWN: Final = ("tracemalloc.py", Path(__file__).name)


class Holding:
    """What was held while there was more than a limit.

    Attributes:
        is_seen: whether there was ever more than the limit, of the plugin and its stand-in together.
        peak: most bytes that the plugin held.
        place: file and line of its code that held the most of them; empty if none did.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._snapshots = 0
        self.is_seen, self.peak, self.place = False, 0, ""

    def look(self, limit: int) -> None:
        """Compare what is held now, if it is more than the limit."""
        if tracemalloc.get_traced_memory()[0] <= limit or self._snapshots == MOST_SNAPSHOTS:
            return
        self._snapshots += 1
        self.is_seen = True
        held: Counter[str] = Counter()
        for trace in tracemalloc.take_snapshot().traces:
            if trace.size >= LEAST_BYTES:
                place = self._place(trace.traceback)
                held[place or ""] += trace.size if place is not None else 0
        if held.total() > self.peak:
            self.peak = held.total()
            # What is held behind no line of the plugin is the core's.
            self.place = next((place for place, _ in held.most_common() if place), "")

    def _place(self, traceback: tracemalloc.Traceback) -> str | None:
        """Return the innermost line of the plugin, `""` if there is none, `None` if a stand-in allocates."""
        place = ""
        for frame in traceback:
            is_foreign, file = _classify(frame.filename, self._package)
            if is_foreign:
                return None
            place = f"{file}:{frame.lineno}" if file else place
        return place


@functools.cache
def _classify(filename: str, package: str) -> tuple[bool, str]:
    """Return whether a file is of a stand-in or of this watch, and its path in the package, if any."""
    parts = Path(filename).parts
    own = parts[parts.index(package) :] if package in parts else ()
    is_stand_in = "sandbox" in own or "sandbox.py" in own or any(name in parts for name in _OF_STAND_INS)
    return is_stand_in or parts[-1] in _OWN, "/".join(own)


@contextlib.contextmanager
def watch_memory(package: str, limit: int) -> Iterator[Holding]:
    """Look repeatedly, in a thread, at what the code of a package holds while it is more than a limit."""
    holding, ended = Holding(package), threading.Event()

    def watch() -> None:
        while not ended.wait(POLL_SECONDS):
            holding.look(limit)

    tracemalloc.start(FRAMES)
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield holding
    finally:
        ended.set()
        thread.join()
        tracemalloc.stop()
