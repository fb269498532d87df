"""Measurements of the rows, and the table that they make."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Sequence

import attrs
from bench_site import Site
from processes import FailedError, Measured
from rows import Row
from works import CURL, FETCHING, JS_SDK, LIBRARY, PYTHON_SDK, RUN, Work

COLUMNS = (PYTHON_SDK, JS_SDK, CURL, LIBRARY, RUN, FETCHING)


@attrs.frozen
class Result:
    """One measured row.

    Attributes:
        figures: of each client, one for each round.
    """

    row: Row
    figures: dict[str, list[float]]

    @property
    def medians(self) -> dict[str, float]:
        """The median of each client."""
        return {client: statistics.median(figures) for client, figures in self.figures.items()}

    def ratio(self, client: str) -> float | None:
        """Return how many times the better SDK a client is: the median of the rounds' ratios."""
        sdks = [self.figures[sdk] for sdk in (PYTHON_SDK, JS_SDK) if sdk in self.figures]
        rounds = zip(self.figures.get(client, ()), *sdks, strict=True) if sdks else ()
        ratios = [self.row.goal.ratio(ours, others) for ours, *others in rounds]
        return statistics.median(ratio for ratio in ratios if ratio) if any(ratios) else None

    @property
    def ours(self) -> str:
        """The client whose figure must reach the goal."""
        return RUN if RUN in self.figures else LIBRARY

    def is_reached(self, client: str) -> bool | None:
        """Return whether a client reaches the goal; `None` if that was not measured."""
        value = self.ratio(client) if self.row.goal.times else self.medians.get(client)
        return None if value is None else self.row.goal.is_reached(value)


def measure_rows(rows: Sequence[Row], site: Site, rounds: int, only: str = "") -> list[Result]:
    """Measure each work once a round; the clients take turns."""
    measured: dict[Work, dict[str, list[Measured]]] = {row.work: {} for row in rows}
    for work, found in measured.items():
        for number in range(rounds):
            for client in _clients(work, site, only):
                _say(f"{work} {client}, round {number + 1} of {rounds}")
                try:
                    found.setdefault(client, []).append(work.run(client, site))
                    if site.profile:
                        print(found[client][-1].err, file=sys.stderr)
                except FailedError as error:
                    _say(f"{error}\n")
    _say("")
    return [
        Result(
            row,
            {
                client: [row.figure(row.work, each) for each in runs]
                for client, runs in measured[row.work].items()
            },
        )
        for row in rows
    ]


def _clients(work: Work, site: Site, only: str) -> Iterable[str]:
    return [client for client in work.clients if only in client and (client != JS_SDK or site.node)]


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text[:110]}", end="", file=sys.stderr, flush=True)
    elif text.endswith("\n"):
        print(text, file=sys.stderr)


def print_table(results: Sequence[Result]) -> None:
    """Print the table."""
    heads = ("row", "unit", *COLUMNS, "ratio", "goal", "")
    lines = [heads, *(_cells(result) for result in results)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cells(result: Result) -> tuple[str, ...]:
    medians, ratio, reached = result.medians, result.ratio(result.ours), result.is_reached(result.ours)
    figures = (number_text(medians[client]) if client in medians else "" for client in COLUMNS)
    verdict = {True: "reached", False: "missed", None: "not measured"}[reached]
    said = f"{ratio:.2f} ×" if ratio else ""
    return result.row.name, result.row.unit, *figures, said, str(result.row.goal), verdict


def number_text(value: float) -> str:
    """Return a figure with three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
