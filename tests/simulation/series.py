"""A series of schedules in child processes, its verdict, and the shrinking of a failing one."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import click
from simulation.faults import KINDS, can_meet, draw
from simulation.product import prepare
from simulation.schedule import Result, simulate

__all__ = ["main"]

# Schedules of one child: each crash leaves threads behind that wait for ever.
BATCH: Final = 25
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

_Work = Sequence[tuple[int, Sequence[int] | None]]


@click.command()
@click.option("--seeds", type=int, default=1000, show_default=True, help="Run the seeds 0 to N - 1.")
@click.option("--seed", type=int, help="Run this one only.")
@click.option(
    "--keep", help="With --seed: numbers of its faults to keep, with commas; the others are left out."
)
@click.option("--repeat", type=int, default=1, help="With --seed: run it so often, and compare the traces.")
@click.option("--first", is_flag=True, help="Stop at the first broken promise.")
@click.option("--jobs", type=int, default=os.cpu_count() or 1, help="Child processes at a time.")
def main(seeds: int, seed: int | None, keep: str | None, repeat: int, first: bool, jobs: int) -> None:
    """Simulate schedules; end with 1 if a promise is broken."""
    logging.disable(logging.CRITICAL)
    base = prepare()
    try:
        if seed is not None:
            kept = None if keep is None else [int(each) for each in keep.split(",") if each]
            sys.exit(_show_one(base, seed, kept, repeat))
        sys.exit(_run_series(base, range(seeds), jobs, first=first))
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _show_one(base: Path, seed: int, keep: Sequence[int] | None, repeat: int) -> int:
    results = [result for _ in range(repeat) for result in _in_children(base, [(seed, keep)], 1)]
    last = results[-1]
    click.echo(f"seed {seed}: {last.steps} steps, {last.switches} switches, trace {last.trace}")
    for fault in last.faults:
        click.echo(f"  {fault}")
    if last.failure:
        click.echo(last.details or last.failure)
    traces = {each.trace for each in results}
    if len(traces) > 1:
        click.echo(f"{len(traces)} different traces of {repeat} repeats")
    return 1 if last.failure or len(traces) > 1 else 0


def _run_series(base: Path, seeds: Sequence[int], jobs: int, *, first: bool) -> int:
    coverage: Counter[str] = Counter()
    steps = switches = count = 0
    failures: list[Result] = []
    for result in _in_children(base, [(seed, None) for seed in seeds], jobs):
        count, steps, switches = count + 1, steps + result.steps, switches + result.switches
        coverage.update(result.coverage)
        if result.failure:
            failures.append(result)
            click.echo(f"seed {result.seed}: {result.failure}")
            if first:
                break
    for failure in failures[:3]:
        _shrink(base, failure)
    click.echo(f"{count} schedules, {steps} steps, {switches} switches, {len(failures)} broken promises")
    missing = _missing(coverage) if count >= COVERING else []
    for pair in missing:
        click.echo(f"never seen: {pair}")
    return 1 if failures or missing else 0


def _missing(coverage: Counter[str]) -> list[str]:
    pairs = (f"{change} | {kind}" for change in CHANGES for kind in KINDS if can_meet(change, kind))
    return [pair for pair in pairs if not coverage[pair]]


def _shrink(base: Path, failure: Result) -> None:
    """Leave out faults one by one as long as the schedule still fails; print the line to run it again."""
    keep = list(range(len(draw(failure.seed))))
    for number in list(keep):
        fewer = [each for each in keep if each != number]
        (result,) = _in_children(base, [(failure.seed, fewer)], 1)
        if result.failure:
            keep, failure = fewer, result
    click.echo(f"  {failure.failure}: {'; '.join(failure.faults) or 'no fault'}")
    click.echo(f"  make simulate SEED={failure.seed} KEEP={','.join(map(str, keep))}")


def _in_children(base: Path, work: _Work, jobs: int) -> Iterator[Result]:
    """Run schedules in child processes, so many at a time; yield the results as they come."""
    batches = [work[start : start + BATCH] for start in range(0, len(work), BATCH)]
    running: dict[int, tuple[int, _Work]] = {}
    while batches or running:
        while batches and len(running) < jobs:
            batch = batches.pop(0)
            pid, reader = _start_child(base, batch)
            running[pid] = reader, batch
        pid = next(iter(running))
        reader, batch = running.pop(pid)
        yield from _collect(pid, reader, batch)


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
        yield Result(batch[count][0], failure, "", "", 0, 0, (), {})
