"""Base of the parts of the world: what a schedule exercises, with its other side, people and truth."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import attrs
import httpx
from simulation.answers import Answer
from simulation.auditor import Auditor
from simulation.faults import Plan
from simulation.library import FILES, Asset
from simulation.portal import Portal
from simulation.scheduler import Scheduler
from simulation.tasks import Process

__all__ = ["Part", "Stage"]


@attrs.define
class Stage:
    """What all parts stand on.

    Attributes:
        run: run a connector to its end as one process, and wait for it.
        start: begin a process that does something else, and wait for its end.
    """

    folder: Path
    dice: random.Random
    plan: Plan
    scheduler: Scheduler
    auditor: Auditor
    portal: Portal
    operator: Process
    run: Callable[[str, str], None]
    start: Callable[[str, str, Callable[[Process], None]], None]

    def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.scheduler.block("wait", seconds)


class Part:
    """One part of the world; without more it has neither connectors nor another side."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.names: tuple[str, ...] = ("a",)

    # --- the config --------------------------------------------------------------------------------

    def portal_auth(self) -> str:
        """Return the lines of the portal's table that sign requests."""
        return 'token = { env = "TOKEN" }'

    def connector(self, name: str, workers: int) -> str:
        """Return the table of a connector."""
        raise NotImplementedError

    # --- what happens ------------------------------------------------------------------------------

    def begin(self) -> None:
        """Prepare what is there before the first process starts."""

    def run_place(self, number: int) -> None:
        """Start one process after another, as a person or a timer does, while faults strike."""
        name = self.names[number % len(self.names)]
        for _ in range(self.stage.dice.choice((1, 2))):
            self.stage.run(f"{name}{number}", name)
            self.stage.wait(self.stage.dice.choice((0.1, 0.1, 5.0, 40.0, 1000.0)))

    def run_last(self) -> None:
        """Run what runs in a day, when no fault strikes any more."""
        for name in self.names:
            self.stage.run(f"{name}-last", name)

    def finish(self) -> None:
        """End what this part does by itself."""

    def change(self, kind: str) -> None:
        """Let a person, the portal or the partner do something."""
        dice, portal = self.stage.dice, self.stage.portal
        if kind == "blocked":
            portal.blocked_until = self.stage.scheduler.now + portal.seconds
        elif kind == "deleted":
            portal.library.delete(dice, self.deletable())
        elif kind == "restored":
            portal.library.restore(dice)
        elif kind == "archived":
            portal.library.archive(dice)
        elif kind == "versioned":
            portal.library.replace(dice)
        elif kind == "edited":
            portal.library.edit(dice)
        else:
            self.change_source()

    def change_source(self) -> None:
        """Change an asset at its source."""

    def deletable(self) -> Collection[str]:
        """Return the names of the assets that a person may delete in the portal."""
        return self.stage.auditor.finished

    def on_report(self, name: str, report: Any) -> None:
        """Receive the result of a run that has ended by itself: a report, or an error."""

    # --- the other side ----------------------------------------------------------------------------

    def answer(self, request: httpx.Request, body: bytes) -> Answer:
        """Do what a request to another host than the portal's asks for."""
        return Answer(404, {"message": f"no such host: {request.url.host}"})

    def is_once(self, request: httpx.Request) -> bool:
        """Return whether a request must never be repeated blindly."""
        return "/save" in request.url.path

    def is_file(self, request: httpx.Request) -> bool:
        """Return whether a request reads a file."""
        return request.url.host == FILES or request.url.path.startswith("/file/")

    def late_seconds(self, request: httpx.Request) -> float:
        """Return how late a request may act after it was sent, within what the other side promises."""
        return 7.0

    def on_sent(self, process: Process | None, request: httpx.Request, body: bytes) -> None:
        """The first byte of a request leaves."""

    def on_answered(
        self, process: Process | None, request: httpx.Request, body: bytes, answer: Answer
    ) -> None:
        """An answer comes back whole."""

    def on_over(self, process: Process | None, request: httpx.Request) -> None:
        """A request is over, with an answer or without one; that of a crashed process never is."""

    def on_save(self, asset: Asset, content: bytes) -> None:
        """A file was saved in the portal."""

    # --- the truth ---------------------------------------------------------------------------------

    def wanted(self) -> dict[str, int]:
        """Return the version of each asset that must have arrived in the end, by source id."""
        raise NotImplementedError

    def arrived(self) -> Collection[tuple[str, int]]:
        """Return source id and version of everything that has arrived at the target."""
        raise NotImplementedError

    def excused(self) -> Collection[str]:
        """Return the ids of assets whose row may end in any way, since a person has intervened."""
        return ()

    def is_settled(self) -> bool:
        """Return whether this part itself has nothing left to do."""
        return True

    def check_end(self) -> None:
        """Both sides agree; raise if not."""
