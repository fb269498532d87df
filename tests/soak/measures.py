"""Memory, files and threads of a process that lives long, and the rows that are to be pruned."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

__all__ = ["TOLERANCES", "Measures"]

PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
HOUSEKEEPING: Final = ("run", "history", "inbox", "value", "credential", "topic", "lease")
AT_REST: Final = " at rest"
# How much more the last third may have than the first: a part of it, and a number. How many connectors happen
# to run at once makes the peaks of files and threads; what is never closed shows at rest.
TOLERANCES: Final[Mapping[str, tuple[float, float]]] = {
    "memory (MB)": (0.10, 12),
    "files": (0.50, 10),
    "threads": (0.50, 10),
    f"files{AT_REST}": (0.10, 4),
    f"threads{AT_REST}": (0.10, 3),
    **{f"rows of {name}": (0.50, 50) for name in HOUSEKEEPING},
    # The last 500 runs of each connector are kept.
    "rows of run": (0.50, 1_500),
    # Pruned above half of what the pace allows in a window.
    "rows of pace.db": (0.50, 1_500),
}


class Measures:
    """What was seen, moment after moment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.seen: list[dict[str, float]] = []

    def take(self, pid: int) -> dict[str, float]:
        """Look once more, and return what is seen."""
        found = {**_of_process(pid), **self._rows()}
        self.seen.append(found)
        return found

    def _rows(self) -> dict[str, float]:
        found = {
            f"rows of {name}": count for name, count in _count(self._folder / "damlink.db", HOUSEKEEPING)
        }
        pace = sum(count for _, count in _count(self._folder / "pace.db", None))
        return found | {"rows of pace.db": pace}

    def growth(self) -> Iterator[tuple[str, float, float, bool]]:
        """Yield each measure, its values in the first and last third, and whether it is flat.

        Values are the largest ones, and at rest the smallest.
        """
        third = max(1, len(self.seen) // 3)
        for name, (share, number) in TOLERANCES.items():
            pick = min if name.endswith(AT_REST) else max
            key = name.removesuffix(AT_REST)
            first = pick((each.get(key, 0) for each in self.seen[:third]), default=0)
            last = pick((each.get(key, 0) for each in self.seen[-third:]), default=0)
            yield name, first, last, last <= first * (1 + share) + number


def _of_process(pid: int) -> dict[str, float]:
    place = Path(f"/proc/{pid}")
    resident = int((place / "statm").read_text().split()[1]) * PAGE_BYTES
    return {
        "memory (MB)": resident / 1e6,
        "files": len(os.listdir(place / "fd")),  # noqa: PTH208
        "threads": len(os.listdir(place / "task")),  # noqa: PTH208
    }


def _count(path: Path, names: tuple[str, ...] | None) -> Iterator[tuple[str, int]]:
    listed = "SELECT name FROM sqlite_master WHERE type = 'table'"
    # It is not there yet, or being replaced.
    with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(_open(path)) as database:
        for name in names or [row[0] for row in database.execute(listed)]:
            yield name, int(database.execute(f"SELECT count(*) FROM {name}").fetchone()[0])


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)
