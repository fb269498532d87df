"""Measurements of the rows, kept as JSON, and the table that they make at the terminal."""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs
from bench_site import BUILD, Site
from processes import FailedError, Measured
from rows import Row
from works import CLICK, CURL, FETCHING, JS_SDK, LIBRARY, PYTHON_SDK, RUN, Work

KEPT: Final = BUILD / "results.json"
# Columns of the table with the clients that stand in them; no row has two of one column.
OURS: Final = (LIBRARY, RUN)
COLUMNS: Final = {
    "Python SDK": (PYTHON_SDK,),
    "JavaScript SDK": (JS_SDK,),
    "curl, or import click": (CURL, CLICK),
    "Damlink": OURS,
    "Damlink, fetching": (FETCHING,),
}


@attrs.frozen
class Result:
    """One measured row.

    Attributes:
        figures: of each client, one for each round.
        date: of the measurement.
    """

    row: Row
    figures: dict[str, list[float]]
    date: str

    @property
    def medians(self) -> dict[str, float]:
        """The median of each client."""
        return {client: statistics.median(figures) for client, figures in self.figures.items()}

    def client_of(self, column: str) -> str:
        """Return the client of a column, or an empty text."""
        return next((client for client in COLUMNS[column] if client in self.figures), "")

    def ratio(self, client: str) -> float | None:
        """Return how many times the better SDK a client is: the median of the rounds' ratios."""
        sdks = [self.figures[sdk] for sdk in (PYTHON_SDK, JS_SDK) if sdk in self.figures]
        rounds = zip(self.figures.get(client, ()), *sdks, strict=False) if sdks else ()
        ratios = [self.row.goal.ratio(ours, others) for ours, *others in rounds]
        return statistics.median(ratios) if ratios else None

    @property
    def is_reached(self) -> bool | None:
        """Return whether Damlink reaches the goal; `None` if that was not measured."""
        client = self.client_of("Damlink")
        value = self.ratio(client) if self.row.goal.times else self.medians.get(client)
        return None if value is None else self.row.goal.is_reached(value)

    @property
    def verdict(self) -> str:
        """One word."""
        return {True: "reached", False: "missed", None: "not measured"}[self.is_reached]

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        goal, ratio = str(self.row.goal), self.ratio(self.client_of("Damlink"))
        found: dict[str, Any] = {"title": self.row.title, "unit": self.row.unit, "date": self.date}
        found |= {"figures": self.figures, "medians": self.medians}
        return found | {"ratio_to_better_sdk": ratio, "goal": goal, "verdict": self.verdict}


def measure_rows(rows: Sequence[Row], site: Site, rounds: int, only: str) -> list[Result]:
    """Measure each work once a round; the clients take turns."""
    works = [*dict.fromkeys(row.work for row in rows)]
    measured = {work: _measure(work, site, rounds, only) for work in works}
    _say("")
    return [_result(row, measured[row.work]) for row in rows]


def _measure(work: Work, site: Site, rounds: int, only: str) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}
    for number in range(rounds):
        for client in _clients(work, site, only):
            _say(f"round {number + 1} of {rounds}: {client}, {work}")
            try:
                found.setdefault(client, []).append(work.run(client, site))
            except FailedError as error:
                print(f"\n{error}", file=sys.stderr)
                continue
            if site.profile:
                print(found[client][-1].err, file=sys.stderr)
    return found


def _clients(work: Work, site: Site, only: str) -> Iterable[str]:
    chosen = [client for client in work.clients if re.search(only, client)]
    return [client for client in chosen if client != JS_SDK or site.node]


def _result(row: Row, measured: dict[str, list[Measured]]) -> Result:
    figures = {
        client: [row.figure(row.work, each) for each in runs] for client, runs in measured.items() if runs
    }
    return Result(row, figures, f"{datetime.now(UTC):%Y-%m-%d}")


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text[:110]}", end="", file=sys.stderr, flush=True)


# --- what is kept ----------------------------------------------------------------------------------


def keep(results: Sequence[Result], machine: dict[str, str], file: Path = KEPT) -> None:
    """Write the results; rows that were not measured now stay as they were."""
    known = json.loads(file.read_text()) if file.exists() else {"rows": {}}
    known["rows"] |= {result.row.name: result.document() for result in results}
    known["machine"] = machine
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n")


def read(rows: Sequence[Row], file: Path = KEPT) -> tuple[list[Result], dict[str, str]]:
    """Return what is kept of these rows, and the machine."""
    known = json.loads(file.read_text())
    found = known["rows"]
    results = [
        Result(row, found[row.name]["figures"], found[row.name]["date"]) for row in rows if row.name in found
    ]
    return results, known["machine"]


# --- the terminal ----------------------------------------------------------------------------------


def print_table(results: Sequence[Result]) -> None:
    """Print the table."""
    lines = [("row", "unit", *COLUMNS, "ratio", "goal", ""), *map(_cells, results)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cells(result: Result) -> tuple[str, ...]:
    ratio = ratio_text(result.ratio(result.client_of("Damlink")))
    figures = (figure_text(result, column) for column in COLUMNS)
    return result.row.name, result.row.unit, *figures, ratio, str(result.row.goal), result.verdict


def figure_text(result: Result, column: str) -> str:
    """Return the median of a column with three digits, or nothing."""
    value = result.medians.get(result.client_of(column))
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def ratio_text(ratio: float | None) -> str:
    """Return a ratio, or nothing."""
    return "" if ratio is None else f"{ratio:.2f} ×"
