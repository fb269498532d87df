"""Processes and threads of a simulation, and which of them runs now."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from simulation.scheduler import Scheduler

__all__ = [
    "OncePerProcess",
    "Process",
    "SimulationError",
    "Task",
    "active",
    "current_process",
    "current_task",
    "here",
]


class SimulationError(AssertionError):
    """A promise was broken, or the schedule cannot go on."""


@attrs.define(eq=False)
class Process:
    """A simulated process.

    Attributes:
        clock_offset: seconds by which its clock differs from the others.
        frozen_until: virtual time of its waking.
        on_crash: functions that end what the system ends with a process: connections, locks.
    """

    name: str
    pid: int
    clock_offset: float = 0.0
    frozen_until: float = 0.0
    is_crashed: bool = False
    is_over: bool = False
    on_crash: list[Callable[[], None]] = attrs.field(factory=list)

    def __str__(self) -> str:
        return f"{self.name} ({self.pid})"


@attrs.define(eq=False)
class Task:
    """A thread of a simulated process.

    Attributes:
        is_woken: true if it was woken before its wait was over.
        ready: condition that is looked at before each decision, where nothing wakes the task.
        wakes_at: virtual time at which its wait ends anyway.
        joining: tasks that wait for its end.
    """

    name: str
    number: int
    process: Process
    baton: Any = attrs.field(factory=_thread.allocate_lock)
    is_able: bool = True
    is_woken: bool = False
    ready: Callable[[], bool] | None = None
    wakes_at: float | None = None
    is_done: bool = False
    joining: list[Task] = attrs.field(factory=list)


@attrs.define
class _Here:
    """What runs now; `None` outside the simulation."""

    task: Task | None = None
    scheduler: Scheduler | None = None


here: Final = _Here()


class OncePerProcess:
    """An object of a module, of which each simulated process has its own."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: dict[Process | None, Any] = {}

    def __getattr__(self, name: str) -> Any:
        process = current_process()
        if process not in self._made:
            self._made[process] = self._make()
        return getattr(self._made[process], name)


def current_task() -> Task | None:
    """Return the task that runs; `None` outside the simulation."""
    return here.task


def current_process() -> Process | None:
    """Return the process that runs; `None` outside the simulation."""
    return None if here.task is None else here.task.process


def active() -> Scheduler | None:
    """Return the scheduler of the task that runs; `None` outside the simulation."""
    return None if here.task is None else here.scheduler
