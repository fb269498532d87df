"""Kill at every point: `make kill-points`; ends with 1 if an asset is lost or doubled, or no kill came."""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import multiprocessing
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final

import attrs
import click
import matrices
from kill_points.cases import CASES, Outcome
from kill_points.trial import Killed, Point, find_points, kill_at, spread
from postgres_server import postgres_server

__all__ = ["main"]

# The points of a run depend a little on how often it polls, and on which thread comes first.
LOOKS: Final = 3
COLUMNS: Final = ("case", "database", "kind of point", "points", "killed", *matrices.OUTCOMES)
_OWN_WORDS: Final = (re.compile(r"^damlink: \w+: "), re.compile(r"\b\d{6,}\b|\b[0-9A-F-]{36}\b"))


@attrs.frozen
class Work:
    """One kill that is to be made.

    Attributes:
        is_certain: each run passes this point, so that a kill that does not come is an error.
    """

    case: str
    point: Point
    is_certain: bool = True
    state_url: str = ""

    @property
    def database(self) -> str:
        """Where the state lies."""
        return "PostgreSQL" if self.state_url else "SQLite"


@click.command()
@click.option("--case", "names", multiple=True, type=click.Choice([*CASES]), help="Only this case.")
@click.option("--points", type=int, help="So many points of each case, evenly spread.")
@click.option("--postgres/--no-postgres", default=True, help="Whether the commits are tried there too.")
@click.option("--jobs", type=int, default=os.cpu_count() or 1, help="Trials at a time.")
def main(names: Sequence[str], points: int | None, postgres: bool, jobs: int) -> None:
    """Find the points of each case, and kill once at each."""
    logging.disable(logging.CRITICAL)
    context = multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as closing:
        make = closing.enter_context(postgres_server()) if postgres else None
        pool = closing.enter_context(ProcessPoolExecutor(jobs, mp_context=context))
        closing.callback(pool.shutdown, cancel_futures=True)  # also after Ctrl-C
        found = works = [*_works(pool, names or [*CASES], make)]
        if points is not None:
            groups = (_sample([*group], points) for _, group in itertools.groupby(found, _row))
            works = [*itertools.chain.from_iterable(groups)]
        killed = [*_progress(pool.map(_kill, works), len(works))]
        killed = [*map(functools.partial(_try_again, make), works, killed)]
    rows, texts = _rows(found, works, killed), _texts(killed)
    matrices.print_table(COLUMNS, rows)
    for text, count in texts.items():
        print(f"uncertain {count} times: {text}")
    if not names and postgres:
        matrices.keep("kill points", COLUMNS, rows, texts)
    sys.exit(any([*_problems(works, killed)]))


def _works(pool: ProcessPoolExecutor, names: Sequence[str], make: Callable[[], str] | None) -> Iterator[Work]:
    """Yield every point on SQLite, and on PostgreSQL each commit of at least one case."""
    for name, looks in _found(pool, names, lambda: ""):
        yield from _union(name, looks, lambda: "")
    seen: set[str] = set()
    for name, looks in _found(pool, names, make) if make else ():
        own = [each for each in _union(name, looks, make) if each.point.kind == "commits"]
        new = {each.point.label for each in own} - seen
        yield from (each for each in own if each.point.label in new)
        seen |= new


def _found(
    pool: ProcessPoolExecutor, names: Sequence[str], make: Callable[[], str]
) -> Iterator[tuple[str, list[list[Point]]]]:
    looks = [(name, pool.submit(find_points, name, make())) for name in names for _ in range(LOOKS)]
    for name, group in itertools.groupby(looks, lambda each: each[0]):
        yield name, [future.result() for _, future in group]


def _union(name: str, looks: list[list[Point]], make: Callable[[], str]) -> Iterator[Work]:
    certain = set.intersection(*map(set, looks))
    for point in dict.fromkeys(itertools.chain.from_iterable(looks)):
        yield Work(name, point, point in certain, make())


def _sample(works: list[Work], number: int) -> list[Work]:
    certain = [each for each in works if each.is_certain]
    return spread(certain, min(number, len(certain)))


def _kill(work: Work) -> Killed:
    """Kill at a point; try again where the run took another way."""
    for _ in range(LOOKS):
        try:
            killed = kill_at(work.case, work.point, work.state_url)
        except Exception as error:  # noqa: BLE001 - it is shown, and the others go on
            return Killed(work.case, work.point, True, Outcome(lost=(f"{type(error).__name__}: {error}",)))
        if killed.is_reached or work.state_url:
            break
    return killed


def _try_again(make: Callable[[], str] | None, work: Work, killed: Killed) -> Killed:
    """Kill once more, in another database, where the run took another way in the first one."""
    if killed.is_reached or not (work.is_certain and work.state_url and make):
        return killed
    return _kill(attrs.evolve(work, state_url=make()))


def _progress(killed: Iterable[Killed], number: int) -> Iterator[Killed]:
    for count, each in enumerate(killed, 1):
        if sys.stderr.isatty():
            print(f"\r\033[K{count} of {number}: {each.case}, {each.point}"[:110], end="", file=sys.stderr)
        yield each


def _row(work: Work) -> tuple[str, str]:
    return work.case, work.database


def _rows(found: Sequence[Work], works: Sequence[Work], killed: Sequence[Killed]) -> list[list[str | int]]:
    """Return a row for each case, database and kind of point."""
    reached = {id(work) for work, each in zip(works, killed, strict=True) if each.is_reached}
    points = Counter(_key(work) for work in found if work.is_certain or id(work) in reached)
    of_a_row: dict[tuple[str, str, str], list[Killed]] = {key: [] for key in points}
    for work, each in zip(works, killed, strict=True):
        of_a_row.setdefault(_key(work), []).append(each)
    return [[*key, points[key], *_figures(each)] for key, each in of_a_row.items()]


def _key(work: Work) -> tuple[str, str, str]:
    return CASES[work.case].title, work.database, work.point.kind


def _figures(killed: Sequence[Killed]) -> list[int]:
    outcomes = [sum(len(getattr(each.outcome, outcome)) for each in killed) for outcome in matrices.OUTCOMES]
    return [sum(each.is_reached for each in killed), *outcomes]


def _texts(killed: Iterable[Killed]) -> Counter[str]:
    texts = Counter(text for each in killed for text in each.outcome.uncertain)
    found: Counter[str] = Counter()
    for text, count in texts.items():
        plain = text
        for words in _OWN_WORDS:
            plain = words.sub("", plain)
        found[plain] += count
    return found


def _problems(works: Sequence[Work], killed: Sequence[Killed]) -> Iterator[bool]:
    """Say what went wrong."""
    for work, each in zip(works, killed, strict=True):
        where = f"{each.case} on {work.database}, {each.point}"
        for outcome in ("lost", "twice"):
            for asset in getattr(each.outcome, outcome):
                print(f"{outcome}: {where}: {asset}", file=sys.stderr)
                yield True
        if work.is_certain and not each.is_reached:
            print(f"not reached: {where}", file=sys.stderr)
            yield True
