"""The rule of permits on a clock of its own: many processes, any latency, and never more than allowed."""

from __future__ import annotations

import heapq
import itertools
import random
import sqlite3
from collections.abc import Callable, Iterator

import attrs
import pytest

from damlink._http.permits import Permits

ALLOWED, WINDOW = 100, 50.0
RESERVED = ALLOWED // 10


@attrs.define
class Machine:
    """A machine with a shared account and a clock of its own. Senders are generators of their waits."""

    random: random.Random
    longest_flight: float = 2.0
    now: float = 1000.0
    sent: list[float] = attrs.field(factory=list)
    counted: list[float] = attrs.field(factory=list)
    waits: list[float] = attrs.field(factory=list)
    database: sqlite3.Connection = attrs.field(
        factory=lambda: sqlite3.connect(":memory:", isolation_level=None)
    )
    _queue: list[tuple[float, int, Iterator[float]]] = attrs.field(factory=list)
    _order: Iterator[int] = attrs.field(factory=itertools.count)

    def permits(self, *, urgent: bool = False, allowed: int = ALLOWED) -> Permits:
        made = Permits(allowed, WINDOW, urgent)
        made.prepare(self.database, self.now, lost=False)
        return made

    def start(self, sender: Iterator[float], at: float = 0.0) -> None:
        heapq.heappush(self._queue, (self.now + at, next(self._order), sender))

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self._queue and self._queue[0][0] <= until:
            self.now, _, sender = heapq.heappop(self._queue)
            if (wait := next(sender, None)) is not None:
                self.start(sender, wait)

    def send(self, permits: Permits, *, is_measured: bool = False) -> Iterator[float]:
        """One request: it waits for its permit, is counted somewhere in its flight, and stored late."""
        began = self.now
        while True:
            number, seconds = permits.give(self.database, self.now)
            if number is not None:
                break
            yield min(seconds, 1.0) + self.random.uniform(0, 0.02)
        self.waits += [self.now - began] if is_measured else []
        sent, flight = self.now, self.random.uniform(0, self.longest_flight)
        self.sent.append(sent)
        self.counted.append(sent + self.random.uniform(0, flight))
        yield flight
        answered = self.now
        yield self.random.uniform(0, 0.2)
        permits.end(self.database, {number: answered})

    def keep_sending(self, permits: Permits, requests: int = 10**9) -> Iterator[float]:
        for _ in range(requests):
            yield from self.send(permits)

    def fullest_window(self) -> int:
        times = sorted(self.counted)
        first, fullest = 0, 0
        for last, moment in enumerate(times):
            while times[first] <= moment - WINDOW:
                first += 1
            fullest = max(fullest, last - first + 1)
        return fullest


@pytest.fixture(params=range(3))
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    made = Machine(random.Random(request.param))
    yield made
    made.database.close()


Schedule = Callable[[Machine], None]


def steady(machine: Machine) -> None:
    """Four threads that always have work."""
    permits = machine.permits()
    for _ in range(4):
        machine.start(machine.keep_sending(permits))


def in_bursts(machine: Machine) -> None:
    """Short runs at any moment, on several threads each."""
    for _ in range(20):
        begins, requests = machine.random.uniform(0, 5 * WINDOW), machine.random.randint(1, 16)
        for _ in range(machine.random.randint(1, 4)):
            machine.start(machine.keep_sending(machine.permits(), requests), begins)


def with_events(machine: Machine) -> None:
    """Events, more than the reserve is for, beside a back-fill."""
    steady(machine)
    urgent = machine.permits(urgent=True)
    for _ in range(3 * ALLOWED):
        machine.start(machine.send(urgent), machine.random.uniform(0, 5 * WINDOW))


@pytest.mark.parametrize("schedule", [steady, in_bursts, with_events])
def test_permits_on_any_schedule_are_never_more_than_allowed_in_a_window(
    machine: Machine, schedule: Schedule
) -> None:
    schedule(machine)
    machine.run(6 * WINDOW)
    assert machine.fullest_window() <= ALLOWED
    assert len(machine.counted) > ALLOWED


def test_permits_when_there_is_always_work_are_all_used(machine: Machine) -> None:
    machine.longest_flight = 0.1
    steady(machine)
    machine.run(10 * WINDOW)
    assert len(machine.counted) >= 0.97 * 10 * ALLOWED


def test_permits_when_idle_are_given_at_once_up_to_half(machine: Machine) -> None:
    permits = machine.permits()
    given = [permits.give(machine.database, machine.now)[0] for _ in range(ALLOWED // 2)]
    assert None not in given


def test_permits_above_half_are_spaced_so_that_the_rest_lasts(machine: Machine) -> None:
    machine.longest_flight = 0.1
    steady(machine)
    machine.run(4 * WINDOW)
    gaps = [later - earlier for earlier, later in itertools.pairwise(machine.sent)]
    assert max(gaps) < 4 * WINDOW / (ALLOWED / 2)


@pytest.mark.parametrize("begins", [0.0, 10.0, 40.0])
def test_permits_within_the_reserve_are_given_at_once_beside_any_back_fill(
    machine: Machine, begins: float
) -> None:
    urgent = machine.permits(urgent=True)
    urgent.reserve(machine.database, machine.now)
    steady(machine)
    for number in range(RESERVED):
        machine.start(machine.send(urgent, is_measured=True), begins + number * machine.random.uniform(0, 1))
    machine.run(WINDOW)
    assert machine.waits == [0.0] * RESERVED


def test_permits_when_nothing_reserves_are_not_kept_free(machine: Machine) -> None:
    machine.longest_flight = 0.0
    steady(machine)
    machine.run(WINDOW * 1.5)
    assert machine.fullest_window() > ALLOWED - RESERVED


def test_permits_when_urgent_ones_exceed_the_reserve_leave_the_rest_to_others(machine: Machine) -> None:
    urgent, other = machine.permits(urgent=True), machine.permits()
    machine.start(machine.keep_sending(other))
    for _ in range(4):
        machine.start(machine.keep_sending(urgent))
    machine.run(4 * WINDOW)
    shares = dict(machine.database.execute("SELECT urgent, count(*) FROM permit GROUP BY urgent"))
    assert shares[0] > 0


def test_prepare_when_an_earlier_version_made_the_file_keeps_its_permits(machine: Machine) -> None:
    machine.permits()
    for earlier in ("DROP TABLE reserve", "ALTER TABLE permit DROP COLUMN urgent"):
        machine.database.execute(earlier)
    machine.database.execute("INSERT INTO permit (pid, sent, answered) VALUES (1, 999, 999.5)")
    assert machine.permits().count_used(machine.database, machine.now) == 1


def test_prepare_when_an_earlier_version_opens_the_file_afterwards_finds_its_own_tables(
    machine: Machine,
) -> None:
    machine.permits()
    for statement in (
        "INSERT OR IGNORE INTO gate VALUES (1, 0, 0)",
        "INSERT OR REPLACE INTO clock VALUES (1, '')",
    ):
        machine.database.execute(statement)
    machine.database.execute("INSERT INTO permit (pid, sent) VALUES (1, 999)")
    assert machine.permits().count_used(machine.database, machine.now) == 1
