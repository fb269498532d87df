"""The table: one row for each thing that must be fast, with its goal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs
from processes import Measured
from works import RUN, Command, List, OneFile, Program, Rows, Status, Upload, Work

MB: Final = 1_000_000
LARGE: Final = 512 * 1024 * 1024
SMALL: Final = 200_000


@attrs.frozen
class Goal:
    """What a figure must reach.

    Attributes:
        limit: of the figure, or with `times` of its ratio to that of the better SDK.
        high: a high figure is good.
    """

    limit: float
    high: bool = False
    times: bool = False

    def __str__(self) -> str:
        sign = "≥" if self.high else "≤"
        return f"{sign} {self.limit:g} × the better SDK" if self.times else f"{sign} {self.limit:,g}"

    def is_reached(self, value: float) -> bool:
        """Return whether a figure, or a ratio, is good enough."""
        return value >= self.limit if self.high else value <= self.limit

    def ratio(self, ours: float, sdks: Sequence[float]) -> float | None:
        """Return how many times the figure of the better SDK ours is; `None` without an SDK."""
        best = (max if self.high else min)(sdks, default=0.0)
        return ours / best if best else None


@attrs.frozen
class Row:
    """One row of the table.

    Attributes:
        figure: what is shown of one measurement of the work.
        note: why the goal is missed, for the page.
    """

    name: str
    title: str
    unit: str
    goal: Goal
    work: Work
    figure: Callable[[Any, Measured], float]
    note: str = ""


# Why a goal is missed, for the page.
_SMALL: Final = (
    "One process needs 8 to 10 ms of processor time a file, of which some two thirds is HTTP by httpx and a "
    "quarter the ledger and the checkpoint. The JavaScript SDK needs 4 ms, and keeps no record."
)
_FAR: Final = (
    "A worker sends four requests for a file, one after the other, and other threads the last one: 0.16 s at "
    "40 ms. So 8 workers cannot exceed 50 files/s, and the first and the last files have none beside them."
)
_LIST: Final = "HTTP, decoding, the reading of fields and garbage collection take some 0.2 s each."
_IMPORTS: Final = (
    "Damlink's modules take 0.24 s of processor time to import, those of the SDK 0.12 s. Its 17 requests to "
    "a portal on this machine take less than 0.1 s."
)
_ALONE: Final = "Damlink asks for the brand and for the rights of the profile first: three requests more."


def _megabytes(work: Upload, measured: Measured) -> float:
    return work.files * work.size / MB / measured.seconds


def _files(work: Upload, measured: Measured) -> float:
    return work.files / measured.seconds


def _rows(work: Rows, measured: Measured) -> float:
    return work.count / measured.seconds


def _cpu(work: Upload, measured: Measured) -> float:
    return measured.cpu * 1000 / work.files


def _requests(work: Upload, measured: Measured) -> float:
    return float(measured.counts["counted"]) / work.files


def _seconds(_work: Work, measured: Measured) -> float:
    return measured.seconds


def _wall(_work: Work, measured: Measured) -> float:
    return measured.wall


def _peak(_work: Work, measured: Measured) -> float:
    return measured.peak / MB


def table(*, quick: bool = False) -> list[Row]:
    """Return the rows; `quick` measures less of the same work."""
    rows = _table()
    return [attrs.evolve(row, work=row.work.quick()) for row in rows] if quick else rows


def _table() -> list[Row]:
    large, small = Upload("large", 1, LARGE), Upload("small", 500, SMALL)
    tls, far = Upload("large-tls", 1, LARGE, tls=True), Upload("large-far", 1, LARGE, latency=0.04)
    small_far = Upload("small-far", 160, SMALL, latency=0.04)
    idle = Upload("idle", 11, SMALL, paced=True, clients=(RUN,))
    new, again = Rows(200_000), Rows(200_000, again=True)

    def times(limit: float) -> Goal:
        return Goal(limit, high=True, times=True)

    help_, run = Command(("--help",)), Command(("run",), expect=3)
    big, many = "one 512 MiB file", "500 files of 200 KB"
    alone, free = "one 200 KB file, `damlink.bynder` alone", "11 assets, idle portal, whole budget free"
    return [
        Row("large", f"{big}, 0 ms", "MB/s", times(1.3), large, _megabytes),
        Row("large-tls", f"{big}, 0 ms, over TLS", "MB/s", times(1.3), tls, _megabytes),
        Row("large-far", f"{big}, 40 ms a request", "MB/s", times(5), far, _megabytes),
        Row("small", f"{many}, 0 ms", "files/s", times(1), small, _files, note=_SMALL),
        Row(
            "small-far",
            "160 files of 200 KB, 40 ms a request",
            "files/s",
            times(10),
            small_far,
            _files,
            note=_FAR,
        ),
        Row("cpu", "client CPU a 200 KB file", "ms", Goal(12), small, _cpu, note=_SMALL),
        Row("requests-large", "counted portal requests, 512 MiB", "requests", Goal(14), large, _requests),
        Row("requests-small", "counted portal requests, 200 KB", "requests", Goal(4.1), small, _requests),
        Row("list", "list 100,000 assets, typed", "s", Goal(1.2), List(100_000), _seconds, note=_LIST),
        Row("unchanged", "200,000 unchanged assets", "rows/s", Goal(40_000, high=True), again, _rows),
        Row("unchanged-memory", "peak memory of that", "MB", Goal(80), again, _peak),
        Row("new", "200,000 new rows into the ledger", "rows/s", Goal(25_000, high=True), new, _rows),
        Row("new-memory", "peak memory of that", "MB", Goal(80), new, _peak),
        Row("help", "`--help` with 50 plugins", "s", Goal(0.15), help_, _seconds),
        Row("status", "`status` over 200,000 rows", "s", Goal(0.4), Status(new), _seconds),
        Row("no-config", "`run` without a configuration", "s", Goal(0.15), run, _seconds),
        Row("library", alone, "s", Goal(1.2, times=True), OneFile(SMALL), _seconds, note=_ALONE),
        Row("idle", free, "s", Goal(1.5), idle, _wall),
        *_programs(times=Goal(1, times=True)),
    ]


def _programs(times: Goal) -> list[Row]:
    title = "the program of the docs: upload, list 200 assets, download, add and set an option"
    found = [("program", title, True), ("program-no-pause", f"{title}; the SDK without its pause", False)]
    return [
        Row(name, text, "s", times, Program(200, pause), _wall, note=_IMPORTS) for name, text, pause in found
    ]
