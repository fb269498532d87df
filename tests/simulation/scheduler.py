"""Scheduler of a simulation: one thread runs at a time, and a seed decides at every switch point which one.

A task is a thread of the program under test. A process is a group of tasks that can crash, freeze and have
a wrong clock. Time is virtual: it advances a little with every step, and when all tasks wait it jumps to the
end of the shortest wait.

Nothing is looked at that cannot have changed: a task that waits for a lock is woken by its release.
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
from simulation.tasks import Process, SimulationError, Task, here

__all__ = ["Scheduler"]

# Seconds of one step: a loop that only looks at the clock comes to an end.
STEP_SECONDS: Final = 0.002
# Chance of going on with the same task, so that a schedule has fewer costly switches.
STAY: Final = 0.6
# A schedule that is not over by then does not end at all.
MOST_STEPS: Final = 60_000
_NEVER: Final = float("inf")

# The real ones: the simulation replaces those of the module `threading`.
_allocate = _thread.allocate_lock


class Scheduler:
    """Scheduler of all tasks of one schedule.

    Args:
        seed: of every decision.
        now: seconds since the epoch at which the virtual clock begins.
        on_alarm: called at each switch point from the step of the alarm on, before the decision.
    """

    def __init__(self, seed: int, now: float, on_alarm: Callable[[Task], None]) -> None:
        self.random = random.Random(seed)
        self.now = now
        self.began_at = now
        self.steps = 0
        self.switches = 0
        self._alarm_at: float = 0
        self.failure: BaseException | None = None
        self.failure_text = ""
        self.processes: list[Process] = []
        self._draw = self.random.random
        # Every task that is not done, those that can go on, and those with a condition to look at.
        self._tasks: list[Task] = []
        self._able: list[Task] = []
        self._polled: list[Task] = []
        # No wait is over before this time, and no process is frozen after that one.
        self._next_end = _NEVER
        self._thawed_at = 0.0
        self._count = 0
        self._over = _allocate()
        self._noted: list[str] = []
        self._on_alarm = on_alarm

    @property
    def trace(self) -> str:
        """Digest of everything that happened, in order."""
        return hashlib.blake2b("\n".join(self._noted).encode(errors="replace"), digest_size=8).hexdigest()

    def note(self, text: str) -> None:
        """Add a fact to the trace."""
        self._noted.append(text)

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
        self._able.append(task)
        # In a list, so that the thread can let go of them before it hands over.
        _thread.start_new_thread(self._bootstrap, (task, [work, thread]))
        return task

    def run(self) -> None:
        """Run until every task is done, crashed or the schedule has failed."""
        self._over.acquire()
        here.scheduler = self
        self._leave()
        self._over.acquire()
        self._over.release()
        here.task = here.scheduler = None
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
        if here.task is not None and here.task.process is process:
            self._leave()
            self._park_forever()

    def retire(self, process: Process) -> None:
        """End what the system ends with a process: its threads, transactions and locks."""
        for end in process.on_crash:
            end()
        for task in self._tasks:
            if task.process is process:
                task.is_done = True
        for tasks in (self._tasks, self._able, self._polled):
            tasks[:] = [task for task in tasks if not task.is_done]

    def freeze(self, process: Process, seconds: float) -> None:
        """Let a process stand still."""
        process.frozen_until = self.now + seconds
        self._thawed_at = max(self._thawed_at, process.frozen_until)

    def set_alarm(self, step: float) -> None:
        """Set the step from which on `on_alarm` is called."""
        self._alarm_at = min(step, MOST_STEPS)

    # --- switch points -----------------------------------------------------------------------------

    def switch(self, point: str) -> None:
        """Let the seed decide who goes on."""
        task = self._step(point)
        if self._draw() >= STAY or task.process.frozen_until > self.now:
            self._hand_over(task)

    def block(
        self, point: str, seconds: float | None = None, ready: Callable[[], bool] | None = None
    ) -> bool:
        """Wait for a waking or a condition, or for some seconds; return whether it was not the time."""
        task = self._step(point)
        task.is_able = task.is_woken = False
        self._able.remove(task)
        if ready is not None:
            task.ready = ready
            self._polled.append(task)
        if seconds is not None:
            task.wakes_at = self.now + max(0.0, seconds)
            self._next_end = min(self._next_end, task.wakes_at)
        self._hand_over(task)
        return task.is_woken if ready is None else ready()

    def wake(self, task: Task) -> None:
        """End the wait of a task."""
        task.is_woken = True
        if not task.is_able and not task.is_done:
            self._make_able(task)

    def _make_able(self, task: Task) -> None:
        task.is_able, task.wakes_at = True, None
        if task.ready is not None:
            task.ready = None
            self._polled.remove(task)
        self._able.append(task)

    def _step(self, point: str) -> Task:
        task = here.task
        assert task is not None
        self.steps += 1
        self.now += STEP_SECONDS
        self._noted.append(f"{task.number}{point}")
        if self.steps >= self._alarm_at:
            self._alarm(task)
        return task

    def _alarm(self, task: Task) -> None:
        if self.steps > MOST_STEPS:
            self.fail(SimulationError(f"not over after {MOST_STEPS} steps"))
        try:
            self._on_alarm(task)
        except SimulationError as error:
            self.fail(error)

    def _hand_over(self, task: Task) -> None:
        chosen = self._choose()
        if chosen is task:
            return
        self.switches += 1
        here.task = chosen
        if chosen is None:
            self._end()
        else:
            chosen.baton.release()
        task.baton.acquire()

    def _choose(self) -> Task | None:
        """Return one of the tasks that can go on; let time pass if all wait; `None` if none is left."""
        while self._tasks:
            if self.now >= self._next_end:
                self._end_waits()
            for task in [each for each in self._polled if each.ready is not None and each.ready()]:
                self._make_able(task)
            able = self._able
            if self.now < self._thawed_at:
                able = [task for task in able if task.process.frozen_until <= self.now]
            if able:
                return able[int(self._draw() * len(able))]
            if not self._let_time_pass():
                return None
        return None

    def _end_waits(self) -> None:
        """Let the tasks go on whose time has come."""
        for task in self._tasks:
            if task.wakes_at is not None and task.wakes_at <= self.now:
                self._make_able(task)
        self._next_end = min(
            (task.wakes_at for task in self._tasks if task.wakes_at is not None), default=_NEVER
        )

    def _let_time_pass(self) -> bool:
        """Go to the end of the shortest wait or freeze; return whether there is one."""
        ends = [
            max(_NEVER if task.wakes_at is None else task.wakes_at, task.process.frozen_until)
            if not task.is_able
            else task.process.frozen_until
            for task in self._tasks
        ]
        if (end := min(ends)) == _NEVER:
            self._fail_stuck()
            return False
        self.now = max(self.now, end)
        return True

    def _fail_stuck(self) -> None:
        names = ", ".join(f"{task.process.name}:{task.name}" for task in self._tasks)
        self.failure = self.failure or SimulationError(f"all wait for ever: {names}")
        self.failure_text = self.failure_text or str(self.failure)

    def _bootstrap(self, task: Task, given: list[Any]) -> None:
        task.baton.acquire()
        # Without one `threading` would make one, unless an ended thread had the same identity.
        threading._active[_thread.get_ident()] = given.pop() or _Nameless(task.name)  # type: ignore[attr-defined]
        try:
            given.pop()()
        except BaseException as error:  # noqa: BLE001 - nothing may end a thread unseen
            self.failure = self.failure or error
            self.failure_text = self.failure_text or "".join(traceback.format_exception(error))
            self._end()
            return
        finally:
            threading._active.pop(_thread.get_ident(), None)  # type: ignore[attr-defined]
        self._finish(task)

    def _finish(self, task: Task) -> None:
        task.is_done = True
        self._noted.append(f"{task.number}done")
        self._tasks.remove(task)
        self._able.remove(task)
        for each in task.joining:
            self.wake(each)
        self._leave()

    def _leave(self) -> None:
        """Hand over for good."""
        chosen = self._choose()
        here.task = chosen
        if chosen is None:
            self._end()
        else:
            chosen.baton.release()

    def _end(self) -> None:
        here.task = None
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
