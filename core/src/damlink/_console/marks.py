"""Digests of what the pages of a console show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from damlink._console.jobs import Jobs
from damlink._console.live import Marks
from damlink._run.session import Session
from damlink._state.scheduling import read_scheduling
from damlink._state.standing import read_standings

__all__ = ["reader_of"]


def reader_of(session: Session, jobs: Jobs) -> Callable[[], Marks]:
    """Return the function that reads the digests: of config, schedule, runs, counters and jobs."""
    path = session.config.path

    def read() -> Marks:
        own = read_standings(session.database)
        for name, mark in jobs.marks().items():
            own[name] = (own.get(name), mark)
        return Marks((_mark_of(path), read_scheduling(session.database)), own)

    return read


def _mark_of(path: Path) -> tuple[int, int]:
    try:
        file = path.stat()
    except OSError:
        return 0, 0
    return file.st_mtime_ns, file.st_size
