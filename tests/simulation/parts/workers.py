"""A partner's list into the portal, by several workers that claim its rows one by one."""

from __future__ import annotations

import threading
from typing import Any, Final

import httpx
from simulation.fleet import Fleet, SimulatedWorker
from simulation.parts.part import Stage
from simulation.parts.source import SourcePart
from simulation.tasks import Process, SimulationError

__all__ = ["WorkersPart"]

PAUSE_SECONDS: Final = 20.0


class WorkersPart(SourcePart):
    """The plugin of the simulation, whose connector several workers list and carry."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.names = ("a",)
        self._fleet = Fleet()
        stage.auditor.commit_checks.append(self._check_commit)

    def run_place(self, number: int) -> None:
        """Start one worker after another."""
        dice = self.stage.dice
        for _ in range(dice.choice((1, 2))):
            seconds = dice.choice((60.0, 200.0))
            self.stage.start(f"worker{number}", "", lambda process, s=seconds: self._work(process, s))
            self.stage.wait(dice.choice((0.1, 5.0, 40.0)))

    def run_last(self) -> None:
        """Work for some minutes."""
        self.stage.start("worker-last", "", lambda process: self._work(process, 100.0))

    def on_sent(self, process: Process | None, request: httpx.Request, body: bytes) -> None:
        """A worker that was taken for dead changes nothing at the other side."""
        if request.method != "GET" and self._fleet.has_ended(process):
            raise SimulationError(f"{process} was taken for dead, and sent {request.method} {request.url}")

    def _check_commit(self, process: Process | None, tables: set[str]) -> None:
        # The end of a worker frees its rows.
        if "ledger" in tables and "worker" not in tables and self._fleet.has_ended(process):
            raise SimulationError(f"{process} was taken for dead, and wrote the ledger")

    # --- a worker ----------------------------------------------------------------------------------

    def _work(self, process: Process, seconds: float) -> None:
        from damlink._config.load import load
        from damlink._run.session import Session
        from damlink.errors import DamlinkError

        until = self.stage.scheduler.now + seconds
        try:
            config = load(self.stage.folder / "damlink.toml")
            with Session(config) as session, SimulatedWorker(self._fleet, session.database) as worker:
                listing = threading.Thread(target=lambda: self._repeat(session, worker, until, lists=True))
                listing.start()
                self._repeat(session, worker, until, lists=False)
                listing.join()
        except DamlinkError as error:
            self.stage.scheduler.note(f"worker {type(error).__name__}")
        process.is_over = True

    def _repeat(self, session: Any, worker: SimulatedWorker, until: float, *, lists: bool) -> None:
        """List, or carry what is ready, again and again."""
        while self.stage.scheduler.now < until and not worker.is_lost:
            self._run(session, worker, lists=lists)
            self.stage.wait(PAUSE_SECONDS)

    def _run(self, session: Any, worker: SimulatedWorker, *, lists: bool) -> None:
        from damlink._run.runner import RunOptions, Stopping, run_connector
        from damlink._run.session import Session
        from damlink._state.ledger import Ledger
        from damlink.errors import DamlinkError

        name = self.names[0]
        own = Session(session.config, database=session.database, urgent=not lists, worker=worker.number)
        try:
            if not lists and not Ledger(session.database, name).has_ready(is_shared=True):
                return
            options = RunOptions(carries=False) if lists else RunOptions(events_only=True)
            with own:
                report = run_connector(own, name, options, Stopping(), worker)
            self.stage.scheduler.note(f"run {report.exit_code}")
        except DamlinkError as error:
            self.stage.scheduler.note(f"run {type(error).__name__}")
