"""Threads of the simulation, and its locks, in place of those of `threading`."""

from __future__ import annotations

import functools
import queue
import threading
from typing import Any

from simulation.locks import Condition, Event, Lock, RLock, Semaphore
from simulation.tasks import Task, here

__all__ = ["install"]

_RealThread = threading.Thread


class Thread(_RealThread):
    """A thread that the scheduler runs."""

    _task: Task | None = None

    def __init__(self, *given: Any, **options: Any) -> None:
        scheduler = here.scheduler
        # Pools keep their threads in a set: its order must not depend on addresses.
        self._number = scheduler.take_number() if scheduler is not None else 0
        super().__init__(*given, **options)

    def __hash__(self) -> int:
        return self._number

    def start(self) -> None:
        if here.scheduler is None or here.task is None:
            raise RuntimeError("a thread was started outside the simulation")
        name = self.name.rstrip("0123456789")
        self._task = here.scheduler.spawn(name, here.task.process, self.run, self)
        self._started.set()

    def join(self, timeout: float | None = None) -> None:
        scheduler, task = here.scheduler, self._task
        if scheduler is None or task is None or here.task is None:
            return
        if task.is_done:
            scheduler.switch("join")
            return
        task.joining.append(here.task)
        scheduler.block("join", timeout)

    def is_alive(self) -> bool:
        return self._task is not None and not self._task.is_done


def install() -> None:
    """Replace what `threading` offers; modules imported from now on have no other."""
    parts = {
        "Lock": Lock,
        "RLock": RLock,
        "Condition": Condition,
        "Event": Event,
        "Semaphore": Semaphore,
        "BoundedSemaphore": Semaphore,
        "Thread": Thread,
    }
    for name, part in parts.items():
        setattr(threading, name, part)
    # Until Python 3.12 a cached property has a lock, shared by all instances.
    functools.RLock = RLock  # type: ignore[attr-defined, misc, assignment]
    # The one in C waits where no scheduler sees it.
    queue.SimpleQueue = queue._PySimpleQueue  # type: ignore[attr-defined, misc]
