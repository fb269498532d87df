"""Scheduler of a simulation: one thread runs at a time, and a seed decides at every switch point which one.

A task is a thread of the program under test. A process is a group of tasks that can crash, freeze and have
a wrong clock. Time is virtual: it advances a little with every step, and when all tasks wait it jumps to the
end of the shortest wait.
"""

from __future__ import annotations

import _thread
import hashlib
import random
import threading
import traceback
from collections.abc import Callable
from typing import Any, Final

import attrs

__all__ = [
    "OncePerProcess",
    "Process",
    "Scheduler",
    "SimulationError",
    "Task",
    "active",
    "current_process",
    "current_task",
]

# Seconds of one step: a loop that only looks at the clock comes to an end.
STEP_SECONDS: Final = 0.002
# Chance of going on with the same task, so that a schedule has fewer costly switches.
STAY: Final = 0.6
# A schedule that is not over by then does not end at all.
MOST_STEPS: Final = 60_000

# The real ones: the simulation replaces those of the module `threading`.
_allocate = _thread.allocate_lock
_here = _thread._local()


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
    """A thread of a simulated process."""

    name: str
    number: int
    process: Process
    baton: Any = attrs.field(factory=_allocate)
    ready: Callable[[], bool] | None = None
    wakes_at: float | None = None
    is_done: bool = False


class Scheduler:
    """Scheduler of all tasks of one schedule.

    Args:
        seed: of every decision.
        now: seconds since the epoch at which the virtual clock begins.
        on_step: called at every switch point, before the decision.
        on_enter: called with the clock of the process that goes on.
    """

    def __init__(
        self,
        seed: int,
        now: float,
        on_step: Callable[[Task, str], None],
        on_enter: Callable[[float, float], None],
    ) -> None:
        self.random = random.Random(seed)
        self.now = now
        self.began_at = now
        self.steps = 0
        self.switches = 0
        self.failure: BaseException | None = None
        self.failure_text = ""
        self.processes: list[Process] = []
        self._tasks: list[Task] = []
        self._count = 0
        self._current: Task | None = None
        self._over = _allocate()
        self._trace = hashlib.blake2b(digest_size=8)
        self._on_step, self._on_enter = on_step, on_enter

    @property
    def trace(self) -> str:
        """Digest of everything that happened, in order."""
        return self._trace.hexdigest()

    def note(self, text: str) -> None:
        """Add a fact to the trace."""
        self._trace.update(text.encode(errors="replace"))

    def take_number(self) -> int:
        """Return a number that nothing else of this schedule has."""
        self._count += 1
        return self._count

    # --- tasks -------------------------------------------------------------------------------------

    def spawn(self, name: str, process: Process, work: Callable[[], None], thread: Any = None) -> Task:
        """Add a task; it begins when it is chosen."""
        task = Task(name, self.take_number(), process)
        task.baton.acquire()
        self._tasks.append(task)
        # In a list, so that the thread can let go of them before it hands over.
        _thread.start_new_thread(self._bootstrap, (task, [work, thread]))
        return task

    def run(self) -> None:
        """Run until every task is done, crashed or the schedule has failed."""
        self._over.acquire()
        chosen = self._choose(None)
        if chosen is None:
            return
        self._current = chosen
        chosen.baton.release()
        self._over.acquire()
        self._over.release()
        if self.failure is not None:
            raise self.failure

    def fail(self, error: BaseException) -> None:
        """End the schedule with an error, from whichever task; the task that calls it stops here."""
        if self.failure is None:
            self.failure, self.failure_text = error, "".join(traceback.format_exception(error))
        self._end()
        self._park_forever()

    def crash(self, process: Process) -> None:
        """Let a process end as by `kill -9`: none of its code runs again."""
        process.is_crashed = True
        self.retire(process)
        if self._current is not None and self._current.process is process:
            self._leave()
            self._park_forever()

    def retire(self, process: Process) -> None:
        """End what the system ends with a process: its threads, transactions and locks."""
        for end in process.on_crash:
            end()
        for task in self._tasks:
            if task.process is process:
                task.is_done = True
        self._tasks = [task for task in self._tasks if not task.is_done]

    # --- switch points -----------------------------------------------------------------------------

    def switch(self, point: str) -> None:
        """Let the seed decide who goes on."""
        task = self._step(point)
        if self.random.random() < STAY and not self._is_frozen(task):
            self._on_enter(self.now, task.process.clock_offset)
            return
        self._hand_over(task)

    def block(self, point: str, ready: Callable[[], bool], seconds: float | None) -> bool:
        """Wait until a condition holds, or for some seconds; return whether it holds."""
        task = self._step(point)
        task.ready = ready
        task.wakes_at = None if seconds is None else self.now + max(0.0, seconds)
        self._hand_over(task)
        task.ready = task.wakes_at = None
        return ready()

    def _step(self, point: str) -> Task:
        task = self._current
        assert task is not None
        self.steps += 1
        self.now += STEP_SECONDS
        self.note(f"{task.number}{point}")
        if self.steps > MOST_STEPS:
            self.fail(SimulationError(f"not over after {MOST_STEPS} steps"))
        try:
            self._on_step(task, point)
        except SimulationError as error:
            self.fail(error)
        return task

    def _hand_over(self, task: Task) -> None:
        chosen = self._choose(task)
        if chosen is not task:
            self.switches += 1
            self._current = chosen
            if chosen is None:
                self._end()
            else:
                chosen.baton.release()
            task.baton.acquire()
        self._on_enter(self.now, task.process.clock_offset)

    def _choose(self, asking: Task | None) -> Task | None:
        """Return one of the tasks that can go on; let time pass if all wait; `None` if none is left."""
        while self._tasks:
            able = [task for task in self._tasks if self._is_able(task)]
            if able:
                return able[int(self.random.random() * len(able))]
            ends = [end for task in self._tasks if (end := self._end_of_wait(task)) is not None]
            if not ends:
                self._fail_stuck()
                return None
            self.now = max(self.now, min(ends))
        return None

    def _is_frozen(self, task: Task) -> bool:
        return task.process.frozen_until > self.now

    def _is_able(self, task: Task) -> bool:
        if task.process.frozen_until > self.now:
            return False
        if task.ready is None or (task.wakes_at is not None and task.wakes_at <= self.now):
            return True
        return task.ready()

    def _end_of_wait(self, task: Task) -> float | None:
        frozen = task.process.frozen_until
        if task.ready is None or task.ready():
            return frozen
        return None if task.wakes_at is None else max(task.wakes_at, frozen)

    def _fail_stuck(self) -> None:
        names = ", ".join(f"{task.process.name}:{task.name}" for task in self._tasks)
        self.failure = self.failure or SimulationError(f"all wait for ever: {names}")
        self.failure_text = self.failure_text or str(self.failure)

    def _bootstrap(self, task: Task, given: list[Any]) -> None:
        task.baton.acquire()
        _here.task, _here.scheduler = task, self
        # Without one `threading` would make one, unless an ended thread had the same identity.
        threading._active[_thread.get_ident()] = given.pop() or _Nameless(task.name)  # type: ignore[attr-defined]
        self._on_enter(self.now, task.process.clock_offset)
        try:
            given.pop()()
        except BaseException as error:  # noqa: BLE001 - nothing may end a thread unseen
            self.failure = self.failure or error
            self.failure_text = self.failure_text or "".join(traceback.format_exception(error))
            self._end()
            return
        finally:
            threading._active.pop(_thread.get_ident(), None)  # type: ignore[attr-defined]
            _here.task = None
        task.is_done = True
        self.note(f"{task.number}done")
        self._tasks.remove(task)
        self._leave()

    def _leave(self) -> None:
        """Hand over for good."""
        chosen = self._choose(None)
        self._current = chosen
        if chosen is None:
            self._end()
        else:
            chosen.baton.release()

    def _end(self) -> None:
        self._current = None
        if self._over.locked():
            self._over.release()

    def _park_forever(self) -> None:
        forever = _allocate()
        forever.acquire()
        forever.acquire()


@attrs.define
class _Nameless:
    """What `threading.current_thread` returns in a task that is no thread of the program."""

    name: str
    daemon: bool = False


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
    """Return the task of the calling thread; `None` outside the simulation."""
    return getattr(_here, "task", None)


def current_process() -> Process | None:
    """Return the process of the calling thread; `None` outside the simulation."""
    task = current_task()
    return task.process if task is not None else None


def active() -> Scheduler | None:
    """Return the scheduler of the calling thread; `None` outside the simulation."""
    return _here.scheduler if current_task() is not None else None
