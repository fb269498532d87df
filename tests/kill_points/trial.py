"""One case, killed at one point and started again; or not killed, to find its points."""

from __future__ import annotations

import functools
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from forks import Forked
from kill_points.cases import CASES, Case, Outcome
from kill_points.instrument import KILL
from loopback import COMMAND

__all__ = ["Killed", "Point", "find_points", "kill_at", "spread"]

# A row that waits for a time-out is over after the second start at the latest.
MOST_STARTS: Final = 3
_MEMORY: Final = Path("/dev/shm")


@attrs.frozen
class Point:
    """Before or after an effect, by its number among those of the same label."""

    phase: str
    label: str
    number: int

    @property
    def kind(self) -> str:
        """The kind of point that its row in the matrix stands for."""
        word, _, rest = self.label.partition(": ")
        if word == "commit":
            return "commits of the rate limiter" if rest == "pace" else "commits"
        return {"answer": "answers to events"}.get(word, "files put in place" if rest else "requests")

    def __str__(self) -> str:
        return f"{self.phase} {self.label} #{self.number}"


@attrs.frozen
class Killed:
    """What one kill has led to.

    Attributes:
        is_reached: the process has come to the point, and ended there.
    """

    case: str
    point: Point
    is_reached: bool
    outcome: Outcome


def find_points(name: str, state_url: str = "") -> list[Point]:
    """Return the points of a case in the order in which a run passes them; what it has done is compared."""
    with _folder() as folder, CASES[name].opened(Path(folder), state_url) as case:
        code = case.drive(functools.partial(_start, case, ()))
        outcome = case.compare()
        if code or outcome != Outcome():
            raise AssertionError(f"{name}: without a kill, exit {code}: {outcome}")
        return [Point(*found[:3]) for found in _passed(case)]


def kill_at(name: str, point: Point, state_url: str = "") -> Killed:
    """Kill a case at a point, start it again until all is done, and compare both sides."""
    with _folder() as folder, CASES[name].opened(Path(folder), state_url) as case:
        case.drive(functools.partial(_start, case, attrs.astuple(point)))
        is_reached = any(found[3:] for found in _passed(case))
        for _ in range(MOST_STARTS):
            case.drive(functools.partial(_start, case, None))
            if case.is_over():
                break
        return Killed(name, point, is_reached, case.compare())


def spread(points: Sequence[Point], number: int) -> list[Point]:
    """Return so many of the points, evenly spread."""
    return [points[(2 * at + 1) * len(points) // (2 * number)] for at in range(number)]


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="damlink-kill-", dir=_MEMORY if _MEMORY.is_dir() else None)


def _start(case: Case, point: Sequence[Any] | None, *arguments: str) -> subprocess.Popen[str]:
    """Start the command line in a child; with a point, even an empty one, it is instrumented."""
    site, spec = case.site, {}
    if point is not None:
        services = {origin: name for name, origin in site.sandbox.origins.items()}
        spec[KILL] = json.dumps({"trace": str(_trace(case)), "services": services, "point": point})
    command, pipe = [*COMMAND, *arguments], subprocess.PIPE
    environment = site.environment | spec
    return Forked(command, cwd=site.folder, env=environment, stdout=pipe, stderr=pipe, text=True)


def _trace(case: Case) -> Path:
    return case.site.folder / "trace"


def _passed(case: Case) -> list[list[Any]]:
    return [json.loads(line) for line in _trace(case).read_text("utf-8").splitlines()]
