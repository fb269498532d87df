"""One schedule: some processes on one database, a portal, a partner, faults, and a verdict."""

from __future__ import annotations

import gc
import itertools
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs
from simulation import edges
from simulation.auditor import Auditor
from simulation.faults import CRASHES, PROCESSES, WORLD, Fault, Plan, draw, part_of
from simulation.library import Library
from simulation.network import Network
from simulation.parts import make_part
from simulation.parts.part import Stage
from simulation.portal import Portal
from simulation.product import INDEX_LAG, write_config
from simulation.scheduler import Scheduler
from simulation.tasks import Process, SimulationError, Task

__all__ = ["Result", "simulate"]

BEGIN: Final = 1_900_000_000.0
# Places where one process runs after the other while faults strike.
PLACES: Final = 2
# Runs afterwards, a day apart: by then nothing is left to do.
LAST_RUNS: Final = 14
# What SQLite says, and its code.
STATEMENT_ERRORS: Final = {
    "database locked": ("database is locked", sqlite3.SQLITE_BUSY),
    "disk full": ("database or disk is full", sqlite3.SQLITE_FULL),
    "disk error": ("disk I/O error", sqlite3.SQLITE_IOERR),
}

_numbers = itertools.count(1)


@attrs.define
class Result:
    """Result of a schedule.

    Attributes:
        failure: the broken promise, or empty.
        trace: digest of all that happened, the same for the same seed.
        coverage: how often a row changed its state after each kind of fault.
        size: number of its assets, processes, crashes, further faults and switch points.
    """

    seed: int
    failure: str
    details: str
    trace: str
    steps: int
    switches: int
    faults: tuple[str, ...]
    coverage: dict[str, int]
    size: dict[str, int]


def simulate(base: Path, seed: int, keep: Sequence[int] | None = None) -> Result:
    """Run one schedule.

    Args:
        base: the folder that `prepare` has made.
        keep: numbers of the faults of its plan to keep; all if not given.
    """
    plan = Plan([fault for number, fault in enumerate(draw(seed)) if keep is None or number in keep])
    faults = tuple(map(str, plan.faults))
    folder = base / f"{os.getpid()}-{next(_numbers)}"
    shutil.copytree(base / "template", folder)
    # Its turns would depend on what earlier schedules have left behind.
    gc.disable()
    world = _World(seed, folder, plan, is_whole=keep is None)
    failure = details = ""
    try:
        world.run()
    except BaseException as error:  # noqa: BLE001 - whatever ends a schedule is its result
        failure, details = f"{type(error).__name__}: {error}", world.scheduler.failure_text
    finally:
        world.close()
        gc.enable()
        shutil.rmtree(folder, ignore_errors=True)
    coverage = {f"{edge} | {kind}": count for (edge, kind), count in world.auditor.edges.items()}
    done = world.scheduler
    return Result(seed, failure, details, done.trace, done.steps, done.switches, faults, coverage, world.size)


class _World:
    """Everything of one schedule."""

    def __init__(self, seed: int, folder: Path, plan: Plan, *, is_whole: bool) -> None:
        self._seed, self._folder, self._plan, self._is_whole = seed, folder, plan, is_whole
        self.size: dict[str, int] = {}
        self._dice = dice = random.Random(f"world {seed}")
        self._seconds = dice.choice((60, 300))
        limit = dice.choice((45, 90, 1000))
        self.scheduler = Scheduler(seed, BEGIN, self._on_alarm)
        self.auditor = Auditor(folder / "damlink.db", plan)
        library = Library(lambda: self.scheduler.now, self._lag)
        self._portal = Portal(library, limit, self._seconds, self.auditor.check_save)
        self._portal.second_save_makes_another = dice.random() < 0.5
        self._pids = itertools.count(100_001)
        self._operator = Process("operator", next(self._pids))
        self._places: list[Task] = []
        stage = Stage(
            folder=folder,
            dice=dice,
            plan=plan,
            scheduler=self.scheduler,
            auditor=self.auditor,
            portal=self._portal,
            operator=self._operator,
            run=self._run_connector,
            start=self._start_process,
        )
        self._part = make_part(part_of(seed), stage)
        self.auditor.portal, self.auditor.part = self._portal, self._part
        self._network = Network(self.scheduler, plan, self._portal, self.auditor, self._operator, self._part)
        workers = dice.choice((1, 2, 3))
        tables = [self._part.connector(name, workers) for name in self._part.names]
        auth = self._part.portal_auth()
        write_config(folder, tables, requests=limit, seconds=self._seconds, auth=auth)

    def run(self) -> None:
        """Run the schedule.

        Raises:
            SimulationError: a promise is broken.
        """
        os.environ["DAMLINK_STATE_DIR"] = str(self._folder / "state")
        edges.begin(BEGIN)
        edges.set_network(self._network.send)
        edges.commit_listeners[:] = [self._check_commit]
        random.seed(self._seed)  # the product's back-off has jitter
        self.scheduler.processes.append(self._operator)
        self._part.begin()
        for number in range(PLACES):
            self._begin_place(number)
        self.scheduler.spawn("end", self._operator, self._drain)
        self.scheduler.run()

    def close(self) -> None:
        """Free what the schedule has opened."""
        edges.commit_listeners.clear()
        self._measure()
        for process in self.scheduler.processes:
            edges.end_of_system_resources(process)
        self.auditor.close()
        edges.end()

    def _measure(self) -> None:
        struck = self._plan.struck
        # One that was deleted before it was listed has no row.
        rows = {key for _, key, _ in self.auditor.rows()}
        self.size = {
            "assets": max(len(rows), len(self._portal.library.assets)),
            "processes": len(self.scheduler.processes) - 1,
            "crashes": sum(kind in CRASHES for kind in struck),
            "further faults": len(struck) - 1,
            "switch points": self.scheduler.steps,
        }

    # --- processes ---------------------------------------------------------------------------------

    def _begin_place(self, number: int) -> None:
        place = self.scheduler.spawn(f"place {number}", self._operator, lambda: self._part.run_place(number))
        self._places.append(place)

    def _start_process(self, title: str, name: str, work: Callable[[Process], None]) -> None:
        """Start a process that works for a connector, and wait for its end."""
        process = Process(title, next(self._pids))
        process.on_crash.append(lambda: edges.end_of_system_resources(process))
        self.scheduler.processes.append(process)
        edges.register(process)
        if name:
            self.auditor.connector_of[process] = name
        self.scheduler.spawn("main", process, lambda: work(process))
        self.scheduler.block("process", None, lambda: process.is_crashed or process.is_over)
        self.scheduler.retire(process)

    def _run_connector(self, title: str, name: str) -> None:
        """Run a connector as `damlink run` does."""
        self._start_process(title, name, lambda process: self._run(process, name))

    def _run(self, process: Process, name: str) -> None:
        from damlink._config.load import load
        from damlink._run.runner import RunOptions, run_connector
        from damlink._run.session import Session
        from damlink.errors import DamlinkError

        try:
            with Session(load(self._folder / "damlink.toml")) as session:
                report = run_connector(session, name, RunOptions())
                self.scheduler.note(f"run {report.exit_code}")
                self._part.on_report(name, report)
        except DamlinkError as error:
            self.scheduler.note(f"run {type(error).__name__}")
            self._part.on_report(name, error)
        process.is_over = True

    def _drain(self) -> None:
        """When all is over, switch the faults off and run until nothing is left to do."""
        self.scheduler.block("places", None, lambda: all(each.is_done for each in self._places))
        while self._is_whole and not self._plan.is_enough:
            self._plan.complete(self.scheduler.steps)
            self.scheduler.set_alarm(0)
            self._part.run_last()
        self._plan.is_on = False
        for number in range(LAST_RUNS):
            self._network.wait(25 * 3600.0 if number else 400.0)
            self._part.run_last()
            if self.auditor.is_settled:
                break
        self._part.finish()
        try:
            self.auditor.check_end()
        except SimulationError as error:
            self.scheduler.fail(error)

    def _check_commit(self, process: Process | None, tables: set[str]) -> None:
        # The product would take what is raised here for an error of the database.
        try:
            self.auditor.check_commit(process, tables)
        except SimulationError as error:
            self.scheduler.fail(error)

    # --- faults ------------------------------------------------------------------------------------

    def _on_alarm(self, task: Task) -> None:
        """Let the faults strike that are due."""
        step = self.scheduler.steps
        self.scheduler.set_alarm(self._plan.next_step)
        if step < self._plan.next_step or not self._plan.is_on:
            return
        is_product = task.process is not self._operator
        if is_product and (fault := self._plan.take(PROCESSES, step)):
            self.scheduler.note(str(fault))
            self._strike(task.process, fault)
        elif fault := self._plan.take(WORLD, step):
            self.scheduler.note(str(fault))
            self._part.change(fault.kind)

    def _strike(self, process: Process, fault: Fault) -> None:
        if fault.kind == "crash":
            self.scheduler.crash(process)
        elif fault.kind == "freeze":
            self.scheduler.freeze(process, fault.amount)
        elif fault.kind in ("clock", "clock jump"):
            process.clock_offset += fault.amount
        elif fault.kind == "locks gone":
            shutil.rmtree(f"{self._folder}/damlink.db.locks", ignore_errors=True)
            # Who removes the locks of a run that stands still starts another one.
            self._begin_place(len(self._places))
        else:
            edges.fail_next_statement(process, STATEMENT_ERRORS[fault.kind])

    def _lag(self) -> float:
        return self._dice.choice((0.0, 0.5, 4.0, INDEX_LAG / 2))
