"""Locks, events and threads of the simulation, in place of those of `threading`.

A module may keep a lock for the whole process. Since all simulated processes live in one real one, each
of these objects has a state for every simulated process. Outside the simulation they never wait.
"""

from __future__ import annotations

import collections
import functools
import queue
import threading
from types import TracebackType
from typing import Any

from simulation.scheduler import Process, Task, active, current_process, current_task

__all__ = ["install"]

_Key = Process | None
_RealThread = threading.Thread


class _Held:
    """Use as a context manager, for everything that can be acquired and released."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        raise NotImplementedError

    def release(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Lock(_Held):
    """A lock that any task may release."""

    def __init__(self) -> None:
        self._held: set[_Key] = set()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        process, scheduler = current_process(), active()
        if scheduler is not None:
            scheduler.switch("lock")
        if process not in self._held:
            self._held.add(process)
            return True
        if not blocking:
            return False
        if scheduler is None:
            raise RuntimeError("a lock is held, and nothing runs that could release it")
        seconds = None if timeout is None or timeout < 0 else timeout
        if scheduler.block("held", lambda: process not in self._held, seconds):
            self._held.add(process)
            return True
        return False

    def release(self) -> None:
        self._held.discard(current_process())

    def locked(self) -> bool:
        return current_process() in self._held

    def _at_fork_reinit(self) -> None:
        self._held.clear()


class RLock(_Held):
    """A lock that its holder may take again."""

    def __init__(self) -> None:
        self._owners: dict[_Key, tuple[Task | None, int]] = {}

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        process, task, scheduler = current_process(), current_task(), active()
        owner, count = self._owners.get(process, (None, 0))
        if count and owner is task:
            self._owners[process] = (task, count + 1)
            return True
        if scheduler is not None:
            scheduler.switch("rlock")
        if process in self._owners:
            if not blocking:
                return False
            if scheduler is None:
                raise RuntimeError("a lock is held, and nothing runs that could release it")
            seconds = None if timeout is None or timeout < 0 else timeout
            if not scheduler.block("rheld", lambda: process not in self._owners, seconds):
                return False
        self._owners[process] = (task, 1)
        return True

    def release(self) -> None:
        process = current_process()
        owner, count = self._owners[process]
        if count == 1:
            del self._owners[process]
        else:
            self._owners[process] = (owner, count - 1)

    def _is_owned(self) -> bool:
        process = current_process()
        return process in self._owners and self._owners[process][0] is current_task()

    def _release_save(self) -> tuple[Task | None, int]:
        return self._owners.pop(current_process())

    def _acquire_restore(self, saved: tuple[Task | None, int]) -> None:
        self.acquire()
        self._owners[current_process()] = saved


class Condition(_Held):
    """A condition over a lock."""

    def __init__(self, lock: Any = None) -> None:
        self._lock = lock if lock is not None else RLock()
        self._waiters: collections.deque[list[bool]] = collections.deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        return bool(self._lock.acquire(blocking, timeout))

    def release(self) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        scheduler = active()
        assert scheduler is not None, "nothing runs that could notify"
        waiter = [False]
        self._waiters.append(waiter)
        reentrant = isinstance(self._lock, RLock)
        saved = self._lock._release_save() if reentrant else self._lock.release()
        woken = scheduler.block("wait", lambda: waiter[0], timeout)
        if reentrant:
            self._lock._acquire_restore(saved)
        else:
            self._lock.acquire()
        if not woken and waiter in self._waiters:
            self._waiters.remove(waiter)
        return woken

    def wait_for(self, predicate: Any, timeout: float | None = None) -> Any:
        scheduler = active()
        assert scheduler is not None
        end = None if timeout is None else scheduler.now + timeout
        while not (result := predicate()):
            left = None if end is None else end - scheduler.now
            if left is not None and left <= 0:
                break
            self.wait(left)
        return result

    def notify(self, n: int = 1) -> None:
        for _ in range(min(n, len(self._waiters))):
            self._waiters.popleft()[0] = True

    def notify_all(self) -> None:
        self.notify(len(self._waiters))


class Event:
    """A flag that tasks wait for."""

    def __init__(self) -> None:
        self._set: set[_Key] = set()

    def is_set(self) -> bool:
        return current_process() in self._set

    def set(self) -> None:
        self._set.add(current_process())

    def clear(self) -> None:
        self._set.discard(current_process())

    def wait(self, timeout: float | None = None) -> bool:
        process, scheduler = current_process(), active()
        if scheduler is None:
            return process in self._set
        return scheduler.block("event", lambda: process in self._set, timeout)

    def _at_fork_reinit(self) -> None:
        self._set.clear()


class Semaphore(_Held):
    """A counter of permits."""

    def __init__(self, value: int = 1) -> None:
        self._initial = value
        self._values: dict[_Key, int] = {}

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        process, scheduler = current_process(), active()
        if scheduler is not None:
            scheduler.switch("semaphore")
        if self._left(process) <= 0:
            if not blocking or scheduler is None:
                return False
            if not scheduler.block("permits", lambda: self._left(process) > 0, timeout):
                return False
        self._values[process] = self._left(process) - 1
        return True

    def release(self, n: int = 1) -> None:
        process = current_process()
        self._values[process] = self._left(process) + n

    def _left(self, process: _Key) -> int:
        return self._values.get(process, self._initial)


class Thread(_RealThread):
    """A thread that the scheduler runs."""

    _task: Task | None = None

    def __init__(self, *given: Any, **options: Any) -> None:
        scheduler = active()
        # Pools keep their threads in a set: its order must not depend on addresses.
        self._number = scheduler.take_number() if scheduler is not None else 0
        super().__init__(*given, **options)

    def __hash__(self) -> int:
        return self._number

    def start(self) -> None:
        scheduler, process = active(), current_process()
        if scheduler is None or process is None:
            raise RuntimeError("a thread was started outside the simulation")
        self._task = scheduler.spawn(self.name.rstrip("0123456789"), process, self.run, self)
        self._started.set()

    def join(self, timeout: float | None = None) -> None:
        scheduler, task = active(), self._task
        if scheduler is not None and task is not None:
            scheduler.block("join", lambda: task.is_done, timeout)

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
