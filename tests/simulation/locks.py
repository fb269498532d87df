"""Locks, conditions, events and semaphores of the simulation.

A module may keep a lock for the whole process. Since all simulated processes live in one real one, each
of these objects has a state for every simulated process. Outside the simulation they never wait.
"""

from __future__ import annotations

import collections
from typing import Any

from simulation.tasks import Process, Task, here

__all__ = ["Condition", "Event", "Lock", "RLock", "Semaphore"]

_Key = Process | None


class _Waited:
    """What tasks wait for; each release wakes all that wait in the same process."""

    def __init__(self) -> None:
        self._waiters: list[Task] = []

    def _wait(self, point: str, end: float | None) -> bool:
        """Wait for the next release; return false if the time is over."""
        scheduler, task = here.scheduler, here.task
        if scheduler is None or task is None:
            raise RuntimeError("a lock is held, and nothing runs that could release it")
        seconds = None if end is None else end - scheduler.now
        if seconds is not None and seconds <= 0:
            scheduler.switch(point)
            return False
        self._waiters.append(task)
        woken = scheduler.block(point, seconds)
        if not woken:
            self._waiters.remove(task)
        return woken

    def _wake(self, process: _Key) -> None:
        if self._waiters:
            woken = [task for task in self._waiters if task.process is process]
            self._waiters = [task for task in self._waiters if task.process is not process]
            for task in woken:
                here.scheduler.wake(task)  # type: ignore[union-attr]

    @staticmethod
    def _end(timeout: float | None) -> float | None:
        if timeout is None or timeout < 0 or here.scheduler is None:
            return None
        return here.scheduler.now + timeout


class Lock(_Waited):
    """A lock that any task may release."""

    def __init__(self) -> None:
        super().__init__()
        self._held: set[_Key] = set()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        task = here.task
        process = None if task is None else task.process
        if task is not None:
            here.scheduler.switch("lock")  # type: ignore[union-attr]
        if process in self._held:
            if not blocking:
                return False
            end = self._end(timeout)
            while process in self._held:
                if not self._wait("held", end):
                    return False
        self._held.add(process)
        return True

    def release(self) -> None:
        process = None if here.task is None else here.task.process
        self._held.discard(process)
        self._wake(process)

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()

    def locked(self) -> bool:
        return (here.task and here.task.process) in self._held

    def _at_fork_reinit(self) -> None:
        self._held.clear()


class RLock(_Waited):
    """A lock that its holder may take again."""

    def __init__(self) -> None:
        super().__init__()
        self._owners: dict[_Key, tuple[Task | None, int]] = {}

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        task = here.task
        process = None if task is None else task.process
        held = self._owners.get(process)
        if held is not None and held[0] is task:
            self._owners[process] = (task, held[1] + 1)
            return True
        if task is not None:
            here.scheduler.switch("rlock")  # type: ignore[union-attr]
        if process in self._owners:
            if not blocking:
                return False
            end = self._end(timeout)
            while process in self._owners:
                if not self._wait("rheld", end):
                    return False
        self._owners[process] = (task, 1)
        return True

    def release(self) -> None:
        process = None if here.task is None else here.task.process
        owner, count = self._owners[process]
        if count > 1:
            self._owners[process] = (owner, count - 1)
        else:
            del self._owners[process]
            self._wake(process)

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()

    def _is_owned(self) -> bool:
        process = here.task and here.task.process
        return process in self._owners and self._owners[process][0] is here.task

    def _release_save(self) -> tuple[Task | None, int]:
        process = here.task and here.task.process
        saved = self._owners.pop(process)
        self._wake(process)
        return saved

    def _acquire_restore(self, saved: tuple[Task | None, int]) -> None:
        self.acquire()
        self._owners[here.task and here.task.process] = saved


class Condition:
    """A condition over a lock."""

    def __init__(self, lock: Any = None) -> None:
        self._lock = lock if lock is not None else RLock()
        self._waiters: collections.deque[Task] = collections.deque()
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def __enter__(self) -> Any:
        return self._lock.__enter__()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        scheduler, task = here.scheduler, here.task
        assert scheduler is not None, "nothing runs that could notify"
        assert task is not None
        self._waiters.append(task)
        reentrant = isinstance(self._lock, RLock)
        saved = self._lock._release_save() if reentrant else self._lock.release()
        woken = scheduler.block("wait", timeout)
        if not woken:
            self._waiters.remove(task)
        if reentrant:
            self._lock._acquire_restore(saved)
        else:
            self._lock.acquire()
        return woken

    def wait_for(self, predicate: Any, timeout: float | None = None) -> Any:
        scheduler = here.scheduler
        assert scheduler is not None
        end = None if timeout is None else scheduler.now + timeout
        while not (result := predicate()):
            left = None if end is None else end - scheduler.now
            if left is not None and left <= 0:
                break
            self.wait(left)
        return result

    def notify(self, n: int = 1) -> None:
        process = here.task and here.task.process
        for task in [each for each in self._waiters if each.process is process][:n]:
            self._waiters.remove(task)
            here.scheduler.wake(task)  # type: ignore[union-attr]

    def notify_all(self) -> None:
        self.notify(len(self._waiters))


class Event(_Waited):
    """A flag that tasks wait for."""

    def __init__(self) -> None:
        super().__init__()
        self._set: set[_Key] = set()

    def is_set(self) -> bool:
        return (here.task and here.task.process) in self._set

    def set(self) -> None:
        process = here.task and here.task.process
        self._set.add(process)
        self._wake(process)

    def clear(self) -> None:
        self._set.discard(here.task and here.task.process)

    def wait(self, timeout: float | None = None) -> bool:
        task, process = here.task, here.task and here.task.process
        if task is None:
            return process in self._set
        end = self._end(timeout)
        if process in self._set:
            here.scheduler.switch("event")  # type: ignore[union-attr]
        while process not in self._set:
            if not self._wait("event", end):
                break
        return process in self._set

    def _at_fork_reinit(self) -> None:
        self._set.clear()


class Semaphore(_Waited):
    """A counter of permits."""

    def __init__(self, value: int = 1) -> None:
        super().__init__()
        self._initial = value
        self._values: dict[_Key, int] = {}

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        process = here.task and here.task.process
        if here.scheduler is not None:
            here.scheduler.switch("semaphore")
        if self._left(process) <= 0:
            if not blocking or here.scheduler is None:
                return False
            end = self._end(timeout)
            while self._left(process) <= 0:
                if not self._wait("permits", end):
                    return False
        self._values[process] = self._left(process) - 1
        return True

    def release(self, n: int = 1) -> None:
        process = here.task and here.task.process
        self._values[process] = self._left(process) + n
        self._wake(process)

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()

    def _left(self, process: _Key) -> int:
        return self._values.get(process, self._initial)
