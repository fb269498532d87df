"""Group commit: the threads of a process write through one connection, and writes that meet share a commit.

A write runs on its own thread, in its turn. If others wait for theirs when it ends, it leaves the transaction
open for them, and the last one commits for all. No write returns before the commit: it is durable, and the
epoch that it has verified was verified in the transaction that was committed. A write that fails is rolled
back to its own savepoint and fails alone. A commit that fails is raised from every write that it held.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs
import sqlalchemy as sa

from damlink._system.process import defer_signals

__all__ = ["MOST_WRITES", "Writer"]

# An open transaction keeps other processes from writing.
MOST_WRITES: Final = 64
LONGEST_SECONDS: Final = 0.25


@attrs.define(eq=False)
class _Group:
    """Writes that are committed together.

    Attributes:
        is_ordered: it began with the lock that all processes take first.
        error: why nothing of it was committed; known when it is `done`.
    """

    connection: sa.Connection
    transaction: sa.RootTransaction
    is_ordered: bool
    writes: int = 0
    has_savepoint: bool = False
    began: float = attrs.field(factory=time.monotonic)
    done: threading.Event = attrs.field(factory=threading.Event)
    error: BaseException | None = None

    def wait(self) -> None:
        """Wait for the commit.

        Raises:
            BaseException: the error of the commit.
        """
        self.done.wait()
        if self.error is not None:
            raise self.error


class Writer:
    """The only writer of a process.

    Args:
        connect: opens a connection whose transactions may write.
        verify: called before each transaction; raises to prevent it.

    Attributes:
        longest_seconds: an open transaction is committed then, even if other threads wait to join it.
    """

    def __init__(self, connect: Callable[[], sa.Connection], verify: Callable[[], None]) -> None:
        self._connect, self._verify = connect, verify
        self.longest_seconds = LONGEST_SECONDS
        # Held by the thread whose write runs; it guards the connection and the group.
        self._turn = threading.Lock()
        self._holder: int | None = None
        self._connection: sa.Connection | None = None
        self._group: _Group | None = None
        self._counting = threading.Lock()
        self._arrived = self._waiting = 0
        # Of the last transaction that could not begin: the error, and how many writes had arrived by then.
        self._refusal: tuple[BaseException, int] | None = None

    @contextlib.contextmanager
    def write(self, *, ordered: bool = False, single: bool = False) -> Iterator[sa.Connection]:
        """Run the block as one write; durable when it has ended.

        Ctrl-C during the waits is raised after them, when it is certain whether the write is stored.

        Args:
            ordered: the block begins with a lock that all processes take first. It joins no group that holds
                other locks already: two such groups could deadlock.
            single: the block writes by one statement, which the database undoes by itself when it fails: it
                needs no savepoint.
        """
        group: _Group | None = None
        try:
            with defer_signals():
                group = self._enter(ordered=ordered, single=single)
            yield group.connection
            with defer_signals():
                kept, group = group, None
                self._keep(kept)
                kept.wait()
        except BaseException as error:
            if group is not None:
                with defer_signals():
                    self._undo(group, error)
            raise

    def close(self) -> None:
        """Close the connection."""
        with self._turn:
            self._drop()

    def _enter(self, *, ordered: bool, single: bool) -> _Group:
        """Wait for the turn. Begin a transaction, or a savepoint in the open one."""
        if self._holder == threading.get_ident():
            raise RuntimeError("a write within a write would wait for itself")
        with self._counting:
            self._arrived += 1
            self._waiting += 1
            number = self._arrived
        self._turn.acquire()
        self._holder = threading.get_ident()
        with self._counting:
            self._waiting -= 1
        try:
            if self._group is not None and ordered and not self._group.is_ordered:
                self._commit(self._group)
            if self._group is None:
                return self._begin(number, ordered=ordered)
            self._group.has_savepoint = not single
            if not single:
                self._send(self._group, "SAVEPOINT damlink_write")
            return self._group
        except BaseException:
            self._pass_turn()
            raise

    def _begin(self, number: int, *, ordered: bool) -> _Group:
        # Writes that waited together for a locked database give up together, not one after the other.
        if self._refusal is not None and number <= self._refusal[1]:
            raise self._refusal[0]
        try:
            self._verify()
            connection = self._connection = self._connection or self._connect()
            self._group = _Group(connection, connection.begin(), ordered)
        except BaseException as error:
            with self._counting:
                self._refusal = (error, self._arrived)
            self._drop()
            raise
        return self._group

    def _keep(self, group: _Group) -> None:
        """End the write. Commit its group, unless another thread waits to join it."""
        try:
            # The first write of a group has no savepoint: it is rolled back with the transaction.
            if group.has_savepoint:
                self._send(group, "RELEASE SAVEPOINT damlink_write")
            group.writes += 1
            is_old = time.monotonic() - group.began >= self.longest_seconds
            if not self._waiting or is_old or group.writes >= MOST_WRITES:
                self._commit(group)
        finally:
            self._pass_turn()

    def _undo(self, group: _Group, error: BaseException) -> None:
        """Roll the write back, and commit the others of its group."""
        try:
            if group.connection.invalidated or not group.writes or _is_over(group):
                self._fail(group, error)
                return
            # A full disk, for example, makes SQLite roll back the others as well: `error` is their cause.
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                if group.has_savepoint:
                    self._send(group, "ROLLBACK TO SAVEPOINT damlink_write", error)
                # At once: in a deadlock, another process waits for a lock of this group.
                self._commit(group)
        finally:
            self._pass_turn()

    def _pass_turn(self) -> None:
        self._holder = None
        self._turn.release()

    def _commit(self, group: _Group) -> None:
        """Commit a group; the error, if any, is raised from each of its writes."""
        try:
            group.transaction.commit()
        except BaseException as error:  # noqa: BLE001 - `wait` raises it
            self._fail(group, error)
        else:
            self._group = None
            group.done.set()

    def _send(self, group: _Group, statement: str, cause: BaseException | None = None) -> None:
        """Send a statement about a savepoint. If it fails, the group fails by `cause`, or by its error."""
        try:
            group.connection.exec_driver_sql(statement)
        except BaseException as error:
            self._fail(group, cause or error)
            raise

    def _fail(self, group: _Group, error: BaseException) -> None:
        """Roll a group back."""
        self._group = None
        # After a failed commit it is inactive, but the database may still hold it open.
        can_roll_back = group.transaction.is_active
        try:
            group.transaction.rollback()
        except sa.exc.SQLAlchemyError:
            can_roll_back = False
        if not can_roll_back:
            self._drop()
        group.error = error
        group.done.set()

    def _drop(self) -> None:
        """Close the connection for good."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                connection.invalidate()
                connection.close()


def _is_over(group: _Group) -> bool:
    """Return whether SQLite has rolled back the whole transaction, as it may when the disk is full."""
    driver: Any = group.connection.connection.driver_connection
    return not group.has_savepoint and not driver.in_transaction
