"""One writer for all threads: what meets shares a commit, what fails fails alone, what returns is durable."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa

from damlink._model import SourceAsset
from damlink._state.database import Database
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.tables import value as table
from damlink._state.values import Values
from damlink._state.writer import MOST_WRITES
from damlink.errors import LeaseLostError, StateError

Eventually = Callable[..., Any]


@attrs.define
class Crowd:
    """Threads that write together: all of them wait while the test holds the turn."""

    database: Database
    eventually: Eventually
    threads: list[threading.Thread] = attrs.field(factory=list)
    outcomes: dict[int, BaseException | None] = attrs.field(factory=dict)

    @contextlib.contextmanager
    def held(self) -> Iterator[sa.Connection]:
        """Hold the turn until the block ends; those that were added then write one after the other."""
        try:
            with self.database.write() as connection:
                yield connection
        finally:
            self.join()

    def join(self) -> None:
        """Wait until all have written."""
        for thread in self.threads:
            thread.join(20)

    def add(self, write: Callable[[], object]) -> int:
        """Let one more thread write, and return its number when it waits for its turn."""
        waiting = self.database._writer._waiting
        number = self.start(write)
        self.eventually(lambda: self.database._writer._waiting > waiting)
        return number

    def start(self, write: Callable[[], object]) -> int:
        """Let one more thread write, and return its number."""
        number = len(self.threads)
        self.threads.append(threading.Thread(target=self._run, args=(number, write)))
        self.threads[-1].start()
        return number

    def _run(self, number: int, write: Callable[[], object]) -> None:
        try:
            write()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.outcomes[number] = error
        else:
            self.outcomes[number] = None


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """A shell starts background jobs with Ctrl-C ignored."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


@pytest.fixture
def crowd(database: Database, eventually: Eventually) -> Crowd:
    database._writer.longest_seconds = 60.0  # a slow machine must not split a group
    return Crowd(database, eventually)


@pytest.fixture
def values(database: Database) -> Values:
    return Values(database, "stock")


@pytest.fixture
def commits(database: Database) -> Iterator[list[None]]:
    """One entry for each commit of a write."""
    counted: list[None] = []

    def count(connection: sa.Connection) -> None:
        counted.extend([None] * bool(connection.get_execution_options().get("damlink_write")))

    sa.event.listen(database.engine, "commit", count)
    yield counted
    sa.event.remove(database.engine, "commit", count)


def stored(opened: Callable[[], Database]) -> dict[str, str]:
    """What another process reads."""
    with opened().read() as connection:
        rows = connection.execute(sa.select(table.c.key, table.c.value))
        return {row.key: row.value for row in rows}


def failing(database: Database, error: BaseException) -> Callable[[], None]:
    """A write that stores something and then fails."""

    def write() -> None:
        with database.write() as connection:
            row = {"connector": "stock", "key": "failed", "value": "1"}
            connection.execute(sa.insert(table).values(row))
            raise error

    return write


@pytest.mark.parametrize(("writers", "expected"), [(1, 1), (20, 1), (MOST_WRITES + 5, 2)])
def test_writes_when_they_meet_share_a_commit(
    crowd: Crowd,
    values: Values,
    commits: list[None],
    writers: int,
    expected: int,
    opened: Callable[[], Database],
) -> None:
    with crowd.held():
        for number in range(writers):
            crowd.add(lambda key=f"{number:02}": values.put(key, 1))
    assert set(crowd.outcomes.values()) == {None}
    assert (len(stored(opened)), len(commits)) == (writers, expected)


@pytest.mark.parametrize(
    "error", [ValueError("why"), SystemExit(1), KeyboardInterrupt()], ids=["error", "exit", "interrupt"]
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_write_when_it_fails_in_a_group_fails_alone(
    crowd: Crowd, values: Values, opened: Callable[[], Database], error: BaseException, place: int
) -> None:
    writes = [lambda key=key: values.put(key, 1) for key in ("a", "b")]
    writes.insert(place, failing(crowd.database, error))
    with crowd.held():
        for write in writes:
            crowd.add(write)
    assert [crowd.outcomes[number] for number in range(3) if number != place] == [None, None]
    assert crowd.outcomes[place] is error
    assert stored(opened) == {"a": "1", "b": "1"}


@pytest.mark.parametrize("place", [0, 1, 2])
def test_single_statement_when_it_fails_in_a_group_fails_alone(
    crowd: Crowd, values: Values, opened: Callable[[], Database], place: int
) -> None:
    def write_nothing() -> None:
        with crowd.database.write(single=True) as connection:
            connection.execute(sa.insert(table).values(connector="stock", key="failed", value=sa.null()))

    writes = [lambda key=key: values.put(key, 1) for key in ("a", "b")]
    writes.insert(place, write_nothing)
    with crowd.held():
        for write in writes:
            crowd.add(write)
    assert [number for number in range(3) if crowd.outcomes[number] is not None] == [place]
    assert stored(opened) == {"a": "1", "b": "1"}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_single_statement_when_the_database_rolls_back_everything_fails_the_group(
    crowd: Crowd, values: Values, opened: Callable[[], Database]
) -> None:
    def meet_a_full_disk() -> None:
        with crowd.database.write(single=True) as connection:
            connection.exec_driver_sql("ROLLBACK")
            raise ValueError("full")

    with pytest.raises(ValueError, match="full"), crowd.held():
        crowd.add(meet_a_full_disk)
    assert type(crowd.outcomes[0]) is ValueError
    values.put("a", 1)
    assert stored(opened) == {"a": "1"}


def test_write_when_the_first_of_a_group_fails_leaves_the_others(
    crowd: Crowd, values: Values, opened: Callable[[], Database]
) -> None:
    with pytest.raises(ValueError, match="why"), crowd.held() as connection:
        crowd.add(lambda: values.put("a", 1))
        connection.execute(sa.insert(table).values(connector="stock", key="failed", value="1"))
        raise ValueError("why")
    crowd.join()
    assert stored(opened) == {"a": "1"}


def test_write_when_others_wait_returns_only_after_the_commit(
    crowd: Crowd, values: Values, opened: Callable[[], Database]
) -> None:
    seen: list[dict[str, str]] = []

    def put_and_look() -> None:
        values.put("a", 1)
        seen.append(stored(opened))

    with crowd.held():
        crowd.add(put_and_look)
        crowd.add(lambda: values.put("b", 1))
    assert seen == [{"a": "1", "b": "1"}]


def test_commit_when_it_fails_is_the_error_of_every_write_of_the_group(
    crowd: Crowd, values: Values, opened: Callable[[], Database]
) -> None:
    failures = [sa.exc.OperationalError("COMMIT", {}, Exception("disk I/O error"))]

    def fail(connection: sa.Connection) -> None:
        if failures and connection.get_execution_options().get("damlink_write"):
            raise failures.pop()

    sa.event.listen(crowd.database.engine, "commit", fail)
    with pytest.raises(StateError, match="disk I/O error; check the disk"), crowd.held():
        for key in ("a", "b"):
            crowd.add(lambda key=key: values.put(key, 1))
    assert [type(each) for each in crowd.outcomes.values()] == [StateError, StateError]
    assert stored(opened) == {}
    values.put("c", 1)
    assert stored(opened) == {"c": "1"}


def test_connection_when_it_breaks_fails_the_group_and_is_opened_again(
    crowd: Crowd, values: Values, opened: Callable[[], Database]
) -> None:
    def break_off() -> None:
        with crowd.database.write() as connection:
            connection.invalidate()
            raise sa.exc.OperationalError("SELECT", {}, Exception("the connection was closed"))

    with pytest.raises(StateError, match="connection was closed"), crowd.held():
        crowd.add(break_off)
    assert [type(each) for each in crowd.outcomes.values()] == [StateError]
    values.put("a", 1)
    assert stored(opened) == {"a": "1"}


def test_epoch_when_raised_while_a_write_waits_refuses_it_and_no_other(
    crowd: Crowd, values: Values, ledger: Ledger, opened: Callable[[], Database]
) -> None:
    with Lease(opened(), "stock"):
        with crowd.held():
            late = crowd.add(lambda: ledger.record(Listed([SourceAsset("1", "a")]), "s"))
            fine = crowd.add(lambda: values.put("a", 1))
        assert isinstance(crowd.outcomes[late], LeaseLostError)
    assert crowd.outcomes[fine] is None
    assert (ledger.counts(), stored(opened)) == ({}, {"a": "1"})


def interrupt_main() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_write_when_interrupted_before_the_commit_of_others_is_stored(
    crowd: Crowd, values: Values, opened: Callable[[], Database]
) -> None:
    def put_and_interrupt() -> None:
        with crowd.database.write() as connection:
            connection.execute(sa.insert(table).values(connector="stock", key="b", value="1"))
            interrupt_main()

    with pytest.raises(KeyboardInterrupt), crowd.held() as connection:
        connection.execute(sa.insert(table).values(connector="stock", key="a", value="1"))
        crowd.add(put_and_interrupt)
    crowd.join()
    assert stored(opened) == {"a": "1", "b": "1"}


def test_write_when_interrupted_before_its_turn_stores_nothing_and_lets_the_others_commit(
    crowd: Crowd, values: Values, opened: Callable[[], Database], eventually: Eventually
) -> None:
    def put_and_interrupt() -> None:
        with crowd.database.write() as connection:
            connection.execute(sa.insert(table).values(connector="stock", key="b", value="1"))
            begun.set()
            eventually(lambda: crowd.database._writer._waiting)
            interrupt_main()

    begun = threading.Event()
    other = threading.Thread(target=put_and_interrupt)
    other.start()
    begun.wait(20)
    with pytest.raises(KeyboardInterrupt):
        values.put("a", 1)
    other.join(20)
    assert stored(opened) == {"b": "1"}


def test_write_when_in_a_write_is_refused_at_once(database: Database, values: Values) -> None:
    with database.write(), pytest.raises(RuntimeError, match="a write within a write"):
        values.put("a", 1)
    values.put("b", 1)
    assert values.get("b") == 1


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_database_when_another_process_holds_it_refuses_all_that_wait_after_one_wait(
    crowd: Crowd, values: Values, child: Callable[..., Any], eventually: Eventually, tmp_path: Path
) -> None:
    with crowd.database.write() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 2000")
    holder = child("hold_database", tmp_path / "damlink.db")
    holder.stdout.readline()
    refusals: list[None] = []
    sa.event.listen(crowd.database.engine, "handle_error", lambda _context: refusals.append(None))
    crowd.start(lambda: values.put("a", 1))
    eventually(lambda: crowd.database._writer._holder)
    for key in ("b", "c"):
        crowd.add(lambda key=key: values.put(key, 1))
    crowd.join()
    expected = f"database is locked; process {holder.pid} holds the database"
    assert [expected in str(error) for error in crowd.outcomes.values()] == [True] * 3
    assert len(refusals) == 1
