"""A series of schedules in child processes, its verdict, and the shrinking of a failing one."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import click
from simulation import edges
from simulation.faults import KINDS, can_meet, draw
from simulation.product import prepare
from simulation.schedule import Result, simulate

__all__ = ["main"]

# Schedules of one child: each crash leaves threads behind that wait for ever.
BATCH: Final = 50
# In a series of so many schedules, each of these changes of a row must have met each kind of fault.
COVERING: Final = 2000
CHANGES: Final = (
    "none -> due",
    "due -> running",
    "due -> skipped",
    "due -> waiting",
    "waiting -> due",
    "running -> pushed",
    "running -> failed",
    "running -> uncertain",
    "failed -> running",
    "pushed -> due",
)

# Size of each schedule.
SMALLEST: Final = {"assets": 6, "processes": 2, "crashes": 1, "further faults": 2, "switch points": 200}

TRACE_LENGTH: Final = 16

_Work = Sequence[tuple[int, Sequence[int] | None]]


@click.command()
@click.option("--seeds", type=int, default=1000, show_default=True, help="Run the seeds 0 to N - 1.")
@click.option("--seed", type=int, help="Run this one only.")
@click.option(
    "--keep", help="With --seed: numbers of its faults to keep, with commas; the others are left out."
)
@click.option("--repeat", type=int, help="With --seed: run it in so many new processes; compare the traces.")
@click.option("--after", type=int, default=0, help="With --seed: run so many other schedules before.")
@click.option("--first", is_flag=True, help="Stop at the first broken promise.")
@click.option("--jobs", type=int, default=os.cpu_count() or 1, help="Child processes at a time.")
def main(
    seeds: int, seed: int | None, keep: str | None, repeat: int | None, after: int, first: bool, jobs: int
) -> None:
    """Simulate schedules; end with 1 if a promise is broken."""
    if repeat is not None:
        sys.exit(_repeat(seed or 0, keep, repeat, jobs))
    logging.disable(logging.CRITICAL)
    base = prepare()
    try:
        if seed is not None:
            kept = None if keep is None else [int(each) for each in keep.split(",") if each]
            sys.exit(_show_one(base, seed, kept, after))
        sys.exit(_run_series(base, range(seeds), jobs, first=first))
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _repeat(seed: int, keep: str | None, repeat: int, jobs: int) -> int:
    """Run a schedule in new processes, alone and after others; return 1 unless all take the same way."""
    command = [sys.executable, "-m", "simulation", "--seed", str(seed)]
    command += ["--keep", keep] if keep is not None else []
    traces: Counter[str] = Counter()
    for start in range(0, repeat, jobs):
        children = [
            subprocess.Popen(
                [*command, "--after", str(number % 3)],
                env={**os.environ, "PYTHONHASHSEED": "random" if number % 2 else "0"},
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(start, min(start + jobs, repeat))
        ]
        for child in children:
            found = re.search("^seed .* trace ([0-9a-f]+)$", child.communicate()[0], re.MULTILINE)
            traces[found[1] if found and child.returncode == 0 else f"ended with {child.returncode}"] += 1
    most, same = traces.most_common(1)[0]
    click.echo(f"seed {seed}: the same trace {most} in {same} of {repeat} repeats, each in its own process")
    for trace, count in traces.most_common()[1:]:
        click.echo(f"  {count} times {trace}")
    return 0 if same == repeat and len(most) == TRACE_LENGTH else 1


def _show_one(base: Path, seed: int, keep: Sequence[int] | None, after: int) -> int:
    before: _Work = [(seed + 1 + number, None) for number in range(after)]
    *_, last = _in_children(base, [*before, (seed, keep)], 1)
    click.echo(f"seed {seed}: {last.steps} steps, {last.switches} switches, trace {last.trace}")
    for fault in last.faults:
        click.echo(f"  {fault}")
    if last.failure:
        click.echo(last.details or last.failure)
    return 1 if last.failure else 0


def _run_series(base: Path, seeds: Sequence[int], jobs: int, *, first: bool) -> int:
    total = _Total()
    began = time.time()  # the monotonic clock is virtual
    for result in _in_children(base, [(seed, None) for seed in seeds], jobs):
        total.add(result)
        if result.failure:
            click.echo(f"seed {result.seed}: {result.failure}")
            if first:
                return 1
    for failure in total.failures[:3]:
        _shrink(base, failure)
    click.echo(f"{total} in {time.time() - began:.0f} s, {len(total.failures)} broken promises")
    missing = _missing(total.coverage) if total.count >= COVERING else []
    for pair in missing:
        click.echo(f"never seen: {pair}")
    return 1 if total.failures or missing else 0


@attrs.define
class _Total:
    """Sums and smallest numbers of a series."""

    count: int = 0
    steps: int = 0
    switches: int = 0
    coverage: Counter[str] = attrs.field(factory=Counter)
    smallest: dict[str, int] = attrs.field(factory=dict)
    failures: list[Result] = attrs.field(factory=list)

    def add(self, result: Result) -> None:
        """Add a schedule; one that is too small is a failure."""
        self.count += 1
        self.steps += result.steps
        self.switches += result.switches
        self.coverage.update(result.coverage)
        if not result.failure:
            for name, number in result.size.items():
                self.smallest[name] = min(number, self.smallest.get(name, number))
            small = [f"{result.size[each]} {each}" for each in SMALLEST if result.size[each] < SMALLEST[each]]
            result.failure = f"too small: it has only {', '.join(small)}" if small else ""
        if result.failure:
            self.failures.append(result)

    def __str__(self) -> str:
        smallest = ", ".join(f"{number} {name}" for name, number in self.smallest.items())
        return (
            f"{self.count} schedules (each at least {smallest}), {self.steps} steps, {self.switches} switches"
        )


def _missing(coverage: Counter[str]) -> list[str]:
    pairs = (f"{change} | {kind}" for change in CHANGES for kind in KINDS if can_meet(change, kind))
    return [pair for pair in pairs if not coverage[pair]]


def _shrink(base: Path, failure: Result) -> None:
    """Leave out faults one by one as long as the schedule still fails; print the line to run it again."""
    count = len(draw(failure.seed))
    keep = list(range(count))
    for number in list(keep):
        fewer = [each for each in keep if each != number]
        (result,) = _in_children(base, [(failure.seed, fewer)], 1)
        if result.failure:
            keep, failure = fewer, result
    click.echo(f"  {failure.failure}: {'; '.join(failure.faults) or 'no fault'}")
    again = f" KEEP={','.join(map(str, keep))}" if len(keep) < count else ""
    click.echo(f"  make simulate SEED={failure.seed}{again}")


def _in_children(base: Path, work: _Work, jobs: int) -> Iterator[Result]:
    """Run schedules in child processes, so many at a time; yield the results as they come."""
    batches = [work[start : start + BATCH] for start in range(0, len(work), BATCH)]
    running: dict[int, tuple[int, _Work]] = {}
    try:
        while batches or running:
            while batches and len(running) < jobs:
                batch = batches.pop(0)
                pid, reader = _start_child(base, batch)
                running[pid] = reader, batch
            pid, (reader, batch) = next(iter(running.items()))
            yield from _collect(pid, reader, batch)
            del running[pid]
    finally:
        # A series that stops early leaves none behind.
        for pid in running:
            edges._real_kill(pid, signal.SIGKILL)


def _start_child(base: Path, batch: _Work) -> tuple[int, int]:
    reader, writer = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        for seed, keep in batch:
            stream.write(json.dumps(attrs.asdict(simulate(base, seed, keep))) + "\n")
            stream.flush()
    os._exit(0)


def _collect(pid: int, reader: int, batch: _Work) -> Iterator[Result]:
    count = 0
    with os.fdopen(reader) as stream:
        for line in stream:
            count += 1
            facts: dict[str, Any] = json.loads(line)
            yield Result(**{**facts, "faults": tuple(facts["faults"])})
    _, status = os.waitpid(pid, 0)
    if count < len(batch):
        failure = f"the child ended with status {status}"
        yield Result(batch[count][0], failure, "", "", 0, 0, (), {}, {})
