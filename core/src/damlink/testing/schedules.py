"""Seeded schedules: runs of one connector that are disturbed, and then calm ones until nothing is left to do.

A schedule lists and carries in one thread, so that the same seed disturbs the same requests.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs
import sqlalchemy as sa

from damlink._config.load import load
from damlink._config.location import FILENAME
from damlink._run.repair import retry
from damlink._run.report import RunListener
from damlink._run.runner import RunOptions, Stopping, run_connector
from damlink._run.runtime import ConnectorRuntime, ParsedConnector
from damlink._run.session import Session
from damlink._state.ledger import Ledger
from damlink._state.rows import RowState
from damlink._state.tables import lease
from damlink._system.waiting import Verify
from damlink.errors import DamlinkError
from damlink.testing.case import Case, Subject
from damlink.testing.deaths import Death, KilledError, watching
from damlink.testing.misbehaviour import log_off
from damlink.testing.opening import open_sandbox, open_trial
from damlink_sandbox import Fault

__all__ = ["End", "Plan", "draw", "play"]

# Disturbed rounds of a schedule, then calm ones at most.
ROUNDS: Final = 3
MOST_CALM: Final = 8
# A run may send fewer or more; the number must not depend on how often it asks whether something is ready.
LISTING_REQUESTS: Final = 3
RUN_REQUESTS: Final = 24
PAUSE_SECONDS: Final = 1800.0
_LEFT: Final = (RowState.DUE, RowState.RUNNING, RowState.WAITING, RowState.FAILED)
_LISTS: Final = RunOptions(carries=False)
_CARRIES: Final = RunOptions(workers=1, events_only=True, max_wait=1.0)
# Files of the partner; each is carried in every schedule.
MOST_FILES: Final = 4


@attrs.define
class _Round:
    """Disturbances of one run.

    Attributes:
        names: of the disturbances, for people.
        death: of the process; its number is 0 for none.
        stopping: stops the run at that request, in place of a crash.
        faults: of the services.
        lag: seconds that the portal takes to convert a file.
    """

    names: list[str] = attrs.field(factory=list)
    death: Death = attrs.field(factory=Death)
    stopping: Stopping | None = None
    faults: list[Fault] = attrs.field(factory=list)
    lag: float = 0.0


@attrs.frozen
class Plan:
    """A schedule that has been drawn."""

    rounds: list[_Round]

    def __str__(self) -> str:
        return ", then ".join(" and ".join(each.names) for each in self.rounds)


@attrs.frozen
class End:
    """Result of a schedule.

    Attributes:
        pushed: number of assets that the ledger calls delivered.
        made: number of deliveries.
        acts: number of requests that must not happen twice, by "METHOD /path".
        uncertain: number of assets that a person must decide about.
        left: number of assets that are still to be carried, with the cause of one.
        cause: of an asset that is left, or of a run that failed.
    """

    pushed: int
    made: int
    acts: Mapping[str, int]
    uncertain: int
    left: int
    cause: str


def draw(seed: int, case: Case) -> Plan:
    """Draw the disturbances of a schedule.

    Args:
        seed: the same one draws the same.
    """
    chance = random.Random(seed)  # noqa: S311 - a schedule is no secret
    kinds = (_crash, _restart, _lose_answer, _fail, _lag)
    rounds = []
    for number in range(ROUNDS):
        drawn = _Round()
        # Each kind comes first in one of the seeds; what else comes is chance.
        kinds[(seed - 1 + number) % len(kinds)](chance, drawn, case)
        chance.choice(kinds)(chance, drawn, case)
        rounds.append(drawn)
    return Plan(rounds)


def _crash(chance: random.Random, drawn: _Round, _case: Case) -> None:
    if drawn.death.at:
        return
    # The listing comes first: half of the crashes are there.
    most = chance.choice((LISTING_REQUESTS, RUN_REQUESTS))
    drawn.death = Death(chance.randint(1, most), chance.random() < 0.5, reads=True)
    drawn.names.append(f"a crash {_describe(drawn.death)}")


def _restart(chance: random.Random, drawn: _Round, case: Case) -> None:
    if not drawn.death.at:
        _crash(chance, drawn, case)
        drawn.stopping = Stopping()
        drawn.death.end = drawn.stopping.now.set
        drawn.names[-1] = f"a restart {_describe(drawn.death)}"


def _describe(death: Death) -> str:
    return f"{'before' if death.before else 'after'} request {death.at}"


def _lose_answer(chance: random.Random, drawn: _Round, case: Case) -> None:
    places = [("portal", "^POST ")] + [(case.service, case.acts)] * case.has_server
    service, match = chance.choice(places)
    drawn.faults.append(Fault(service, match, kind="cut-after", skip=chance.randint(0, 6)))
    drawn.names.append(f"a lost answer of {service}")


def _fail(chance: random.Random, drawn: _Round, case: Case) -> None:
    places = [("portal", "^GET ")] + [(case.service, case.reads)] * case.has_server
    service, match = chance.choice(places)
    # After a 429 of the portal nothing is sent to it for minutes.
    status = chance.choice((500, 503) if service == "portal" else (429, 500, 503))
    headers = {"Retry-After": "1"} if status == 429 else {}
    often = chance.randint(1, 8)
    drawn.faults.append(
        Fault(service, match, status=status, headers=headers, times=often, skip=chance.randint(0, 3))
    )
    drawn.names.append(f"{often} answers {status} of {service}")


def _lag(chance: random.Random, drawn: _Round, _case: Case) -> None:
    drawn.lag = float(chance.choice((2, 20)))
    drawn.names.append(f"a slow portal ({drawn.lag:.0f} s)")


def play(case: Case, folder: Path, rounds: list[_Round]) -> End:
    """Run the connector in a sandbox of its own, disturbed by each of the rounds, then until it is done.

    Args:
        folder: for the sandbox and the connector; it is made.
    """
    for name in ("sandbox", "trial"):
        (folder / name).mkdir(parents=True)
    with (
        open_sandbox(case.plugin, folder / "sandbox", case.sandbox.world.media[:MOST_FILES]) as sandbox,
        open_trial(case.plugin, sandbox, folder / "trial") as trial,
    ):
        subject = Subject()
        subject.plugin = case.plugin
        return _Player(Case(trial, subject)).play(rounds)


class _Causes(RunListener):
    """The last cause of a row that is not carried."""

    def __init__(self) -> None:
        self.last = ""

    def on_finish(self, row: object, state: RowState, message: str) -> None:  # noqa: ARG002 - of the protocol
        """Keep the cause."""
        if state in _LEFT:
            self.last = message


class _WatchedSession(Session):
    """Session whose clients end with the process."""

    death: Death
    _watching: contextlib.ExitStack

    def open_connector(
        self,
        name: str,
        verify_before_send: Verify | None = None,
        listener: RunListener | None = None,
        parsed: ParsedConnector | None = None,
    ) -> ConnectorRuntime:
        """Open a connector, and watch its requests."""
        runtime = super().open_connector(name, verify_before_send, listener, parsed)
        self._closing.enter_context(watching(runtime.context, self.death))
        return runtime


class _Player:
    """Plays the rounds of one schedule."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._trial = case.trial
        self._causes = _Causes()

    def play(self, rounds: list[_Round]) -> End:
        """Run disturbed, then calm, and return what has come of it."""
        before = len(self._case.targets())
        for each in rounds:
            with log_off(), self._disturb(each):
                self._run(each)
        counts, error = self._run_until_done()
        return End(
            pushed=counts[RowState.PUSHED],
            made=len(self._case.targets()) - before,
            acts=dict(self._case.count_acts()),
            uncertain=counts[RowState.UNCERTAIN],
            left=sum(counts[state] for state in _LEFT),
            cause=error or self._causes.last,
        )

    @contextlib.contextmanager
    def _disturb(self, each: _Round) -> Iterator[None]:
        world, portal = self._case.sandbox.world, self._case.sandbox.part("bynder")
        for fault in each.faults:
            world.faults.add(fault)
        portal.control("lag", {"conversion": each.lag})
        try:
            yield
        finally:
            world.faults.clear()
            portal.control("lag", {"conversion": 0})
            self._trial.clock.advance(PAUSE_SECONDS)

    def _run_until_done(self) -> tuple[Counter[str], str]:
        """Run until nothing is left, and return the number of rows by state and the last error."""
        error = ""
        for _ in range(MOST_CALM):
            error = self._run(_Round())
            with self._session(Death()) as session:
                counts = Counter(Ledger(session.database, self._case.plugin).counts())
                if not error and not any(counts[state] for state in _LEFT):
                    break
                retry(session.database, self._case.plugin, [])
            self._trial.clock.advance(PAUSE_SECONDS)
        return counts, error

    def _run(self, each: _Round) -> str:
        """List, then carry, as one process; return the error that ended it."""
        death = each.death
        if each.stopping is None:
            kill = death.end
            death.end = lambda: self._end_process(kill)
        with self._session(death) as session:
            for options in (_LISTS, _CARRIES):
                try:
                    report = run_connector(session, self._case.plugin, options, each.stopping)
                except (DamlinkError, KilledError) as error:
                    return str(error)
                if report.error or death.is_dead:
                    return str(report.error or "")
        return ""

    def _end_process(self, kill: Callable[[], None]) -> None:
        """Take the lease away, so that nothing more is written, as by a process that has gone."""
        with self._trial._session.database.write() as connection:
            mine = lease.c.connector == self._case.plugin
            connection.execute(sa.update(lease).where(mine).values(epoch=lease.c.epoch + 1))
        kill()

    @contextlib.contextmanager
    def _session(self, death: Death) -> Iterator[_WatchedSession]:
        config = load(self._trial.folder / FILENAME)
        pace = self._trial._session.pace
        with _WatchedSession(config, listener=self._causes, now=self._trial.clock.now, pace=pace) as session:
            session.death = death
            yield session
