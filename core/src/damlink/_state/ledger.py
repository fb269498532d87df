"""The ledger: the state of every source asset that a connector has listed.

Every write of a run verifies its lease: if another run has raised the epoch since, nothing is
written and `LeaseLostError` is raised.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from damlink._model import PushResult, Removed
from damlink._state.accounts import Accounts
from damlink._state.claim import FIRST_BATCH, MOST_BATCH, take
from damlink._state.conflicts import repeat_conflicts
from damlink._state.identity import count_up
from damlink._state.lease import check_epoch
from damlink._state.listed import Listed, Tally
from damlink._state.merge import merge_listed, refuse
from damlink._state.reader import LedgerReader
from damlink._state.removal import note_removal
from damlink._state.rows import FINISHED, Row, RowState, as_row, dump_result, next_round
from damlink._state.siblings import serialize, wake, wake_one
from damlink._state.tables import KeepableText, UtcDateTime
from damlink._state.tables import cursor as cursor_table
from damlink._state.tables import ledger as t
from damlink._state.tables import value as value_table
from damlink._state.worker import check_worker
from damlink.errors import LeaseLostError

__all__ = ["Ledger"]

BATCH_ROWS: Final = 250
UNTIL_LISTED: Final = datetime(9999, 1, 1, tzinfo=UTC)

# Built once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_ROW: Final = (t.c.connector == sa.bindparam("of_connector"), t.c.source_id == sa.bindparam("of_id"))
_FINGERPRINT: Final = sa.select(t.c.fingerprint_seen).where(*_ROW).with_for_update()
_UPDATE: Final = sa.update(t).where(*_ROW)
# A row that a worker carries is still its own.
_CLAIMED: Final = (t.c.claimed_by == sa.bindparam("of_worker"), t.c.claim == sa.bindparam("of_claim"))
# The source has changed since the transfer began, and this is not the transfer's own effect.
_CARRIED: Final = sa.bindparam("carried", type_=KeepableText)
_CAUSED: Final = sa.bindparam("caused", type_=KeepableText)
_IS_CHANGED: Final = t.c.fingerprint_seen.not_in([_CARRIED, _CAUSED])
_FINISH: Final = _UPDATE.values(
    state=sa.case((_IS_CHANGED, RowState.DUE), else_=sa.bindparam("finished", type_=KeepableText)),
    due_at=sa.case((_IS_CHANGED, sa.bindparam("now", type_=UtcDateTime)), else_=None),
    is_urgent=sa.case((_IS_CHANGED, t.c.is_urgent), else_=sa.false()),
    fingerprint_carried=_CARRIED,
    attempts=0,
    checkpoint=None,
    checkpoint_fingerprint=None,
    waits_for=None,
)


@repeat_conflicts
class Ledger(LedgerReader):
    """One connector's rows, written under an epoch of its lease."""

    def record(self, listed: Listed, selection: str) -> Tally:
        """Store a batch and the cursor behind it in one transaction."""
        with self._write() as connection:
            tally = merge_listed(connection, self._connector, listed, self._now())
            if listed.cursor is not None:
                self._keep(connection, value=listed.cursor, selection=selection)
        return tally

    def refuse(self, source_id: str, fingerprint: str | None, title: str, error: str) -> Row | None:
        """Store a failed row for an invalid source asset; return it, or `None` if the existing row stays."""
        with self._write() as connection:
            given = (source_id, fingerprint, title, error, self._now())
            record = refuse(connection, self._connector, *given)
        return as_row(record) if record else None

    def complete(self, selection: str) -> None:
        """Store that the listing has been read to its end under this selection."""
        # A cursor is valid only for the selection under which it was committed.
        value = sa.case((cursor_table.c.selection == selection, cursor_table.c.value), else_=None)
        now = self._now()
        looked = sa.case((cursor_table.c.look_until > now, now), else_=cursor_table.c.look_until)
        values = {"selection": selection, "completed": selection, "look_until": looked}
        with self._write() as connection:
            self._keep(connection, value=value, **values)

    def _keep(self, connection: sa.Connection, **values: Any) -> None:
        values |= {"updated_at": self._now()}
        mine = cursor_table.c.connector == self._connector
        updated = connection.execute(sa.update(cursor_table).where(mine).values(values))
        if not updated.rowcount:
            new = {name: None if isinstance(each, sa.Case) else each for name, each in values.items()}
            new = {"connector": self._connector, "selection": ""} | new
            connection.execute(sa.insert(cursor_table).values(new))

    def adapt(self, accounts: Accounts, *, from_beginning: bool) -> None:
        """Store the accounts that the connector works with.

        Args:
            from_beginning: delete the cursor, because it belongs to another account.
        """
        values: dict[str, Any] = {"source": json.dumps(dict(accounts.source), sort_keys=True)}
        values |= {"target": json.dumps(dict(accounts.target), sort_keys=True), "portal": accounts.portal}
        with self._write() as connection:
            self._keep(connection, **values, **({"value": None} if from_beginning else {}))

    def look_in_portal(self, since: datetime | None = None) -> None:
        """Look for every row in the portal before it is carried, until the next complete listing.

        Args:
            since: uploads before this time are known to the database.
        """
        with self._write() as connection:
            self._keep(connection, look_since=since, look_until=UNTIL_LISTED)

    def retarget(self, *, drops_checkpoints: bool) -> int:
        """Make finished rows due for another target; return how many.

        Args:
            drops_checkpoints: delete the checkpoints of transfers, because they belong to the former target.
        """
        now = self._now()
        forgotten = {"result": None, "target_id": None, "fingerprint_after": None, "updated_at": now}
        due = {"state": RowState.DUE, "due_at": now, "attempts": 0, "reason": "", "last_error": ""}
        known = sa.or_(t.c.result.is_not(None), t.c.target_id.is_not(None))
        without_checkpoint = {"checkpoint": None, "checkpoint_fingerprint": None, "updated_at": now}
        is_unfinished = sa.and_(t.c.checkpoint.is_not(None), t.c.state != RowState.UNCERTAIN)
        count = self._set_all(t.c.state.in_(FINISHED), forgotten | due)
        self._set_all(known, forgotten)
        if drops_checkpoints:
            self._set_all(is_unfinished, without_checkpoint)
        return count

    # --- transfer ----------------------------------------------------------------------------------

    @property
    def is_shared(self) -> bool:
        """True if several workers carry the connector's rows."""
        return self._run.worker is not None

    def claim(self, *, urgent: bool = False) -> Row | None:
        """Claim the next row to carry; return `None` if there is none.

        Rows that an event has made due come first, then rows left by a crash, then due rows, then failed
        ones; each in the order of becoming due. A row that a sibling has delivered is skipped, one that a
        sibling is carrying waits.

        Args:
            urgent: claim a row that an event has made due, or none; where workers share the connector.
        """
        batch, is_more = FIRST_BATCH, True
        row: Row | None = None
        while row is None and is_more:
            # A transaction for each batch: very many held rows must not block other writers.
            with self._write(ordered=bool(self._run.siblings)) as connection:
                row, is_more = take(connection, self._run, self._now(), batch, urgent=urgent)
                count = count_up(connection, self._connector) if row is not None else 0
            batch = min(4 * batch, MOST_BATCH)
        if row is not None:
            self._on_carried(count)
        return row

    def mark_pushed(self, row: Row, result: PushResult) -> None:
        """Finish a delivered row, with the result of its push."""
        values = {
            "result": dump_result(result),
            "target_id": result.target_id,
            "fingerprint_after": result.fingerprint_after,
            "reason": result.notice,
        }
        with self._end_transfer(row) as connection:
            self._finish(connection, row, RowState.PUSHED, **values)
            count = count_up(connection, self._connector)
        self._on_carried(count)

    def revive(self, row: Row) -> None:
        """Make a row due again on a person's request. Its checkpoint stays: no step is paid for twice."""
        values = {"due_at": self._now(), "attempts": 0, "reason": "", "waits_for": None}
        self._set(row, RowState.DUE, values)

    def forget(self) -> int:
        """Delete the connector's rows, cursor and values; return how many rows. Lease and runs stay."""
        with self._write() as connection:
            for table in (cursor_table, value_table):
                connection.execute(sa.delete(table).where(table.c.connector == self._connector))
        return sum(self._in_batches(self._mine, lambda chosen: sa.delete(t).where(*chosen)))

    def release(self) -> None:
        """Make the rows due that this run leaves unfinished."""
        now = self._now()
        values = {"state": RowState.DUE, "due_at": now, "updated_at": now}
        worker = self._run.worker
        mine = t.c.epoch == self._run.epoch if worker is None else t.c.claimed_by == worker
        left = sa.and_(t.c.state == RowState.RUNNING, mine)
        self._set_all(left, values)

    def begin_round(self) -> None:
        """Let workers claim the rows that wait for the next run: a listing has ended."""
        waits = sa.and_(t.c.state == RowState.WAITING, t.c.due_at <= self._now(), t.c.epoch != 0)
        self._set_all(waits, {"epoch": 0})

    def _set_all(self, condition: sa.ColumnElement[bool], values: Mapping[str, Any]) -> int:
        update = sa.update(t).values(values)
        return sum(self._in_batches(condition, lambda chosen: update.where(*chosen)))

    def _in_batches(
        self,
        condition: sa.ColumnElement[bool],
        change: Callable[[tuple[sa.ColumnElement[bool], ...]], sa.Executable],
    ) -> Iterator[int]:
        """Change the rows that match a condition, a bounded number in each transaction; yield each number.

        A changed row must no longer match the condition.
        """
        query = sa.select(t.c.source_id).where(self._mine, condition).limit(BATCH_ROWS)
        count = BATCH_ROWS
        while count == BATCH_ROWS:
            with self._end_transfers() as connection:
                ids = connection.execute(query).scalars().all()
                connection.execute(change((self._mine, t.c.source_id.in_(ids), condition)))
                wake(connection, self._connector, ids, self._now())
            count = len(ids)
            yield count

    def mark_skipped(self, row: Row, reason: str) -> None:
        """Finish a row that is not to be carried."""
        with self._end_transfer(row) as connection:
            self._finish(connection, row, RowState.SKIPPED, reason=reason)

    def mark_removed(self, row: Row, removed: Removed, kept: PushResult | None) -> str:
        """Finish a row whose asset is removed at the source; return the reason that the row shows.

        Args:
            kept: what the target keeps of it; `None` if nothing.
        """
        reason = removed.reason or "removed at the source"
        if kept is not None:
            reason = "; ".join(filter(None, (f"{reason}; the target keeps {kept.target_id}", kept.notice)))
        values = {
            "reason": reason,
            "fingerprint_after": kept.fingerprint_after if kept else None,
            "result": dump_result(kept) if kept else None,
            "target_id": kept.target_id if kept else None,
        }
        with self._end_transfer(row) as connection:
            self._finish(connection, row, RowState.REMOVED, **values)
            note_removal(connection, self._key_of(row), removed)
        return reason

    def mark_rejected(self, row: Row, error: str, requests: str | None = None) -> None:
        """Finish a row whose asset was rejected; `requests` is JSON for the history, as in the next two."""
        values = {"reason": error, "last_error": error, "last_requests": requests}
        with self._end_transfer(row) as connection:
            self._finish(connection, row, RowState.REJECTED, **values)

    def mark_failed(self, row: Row, error: str, requests: str | None = None) -> None:
        """Store a failed attempt, and when the next one is due; the interval doubles."""
        with self._end_transfer(row) as connection:
            # The asset has changed since: start counting attempts again.
            is_changed = self._read_fingerprint(connection, row) != row.fingerprint_seen
            attempts, now = 1 if is_changed else row.attempts + 1, self._now()
            values = {"attempts": attempts, "last_error": error, "due_at": next_round(attempts, now)}
            # Another attempt takes its turn.
            values |= {"state": RowState.FAILED, "last_requests": requests, "is_urgent": False}
            self._update(connection, row, values)

    def mark_waiting(self, row: Row, reason: str, pause: timedelta) -> None:
        """Postpone a row that is not ready yet."""
        self._set(row, RowState.WAITING, {"reason": reason, "due_at": self._now() + pause})

    def mark_uncertain(self, row: Row, error: str, requests: str | None = None) -> None:
        """Leave a row to a person, because an effect may or may not have happened."""
        values: dict[str, Any] = {"last_error": error, "due_at": None, "is_urgent": False}
        values |= {"checkpoint_fingerprint": row.carrying, "last_requests": requests}
        self._set(row, RowState.UNCERTAIN, values)

    def checkpoint(self, row: Row, sealed: bytes | None) -> None:
        """Store a row's checkpoint, or delete it with `None`; durable when this returns."""
        with self._write(single=True) as connection:
            noted_for = row.carrying if sealed else None
            self._update(connection, row, {"checkpoint": sealed, "checkpoint_fingerprint": noted_for})

    def _finish(self, connection: sa.Connection, row: Row, state: RowState, **values: Any) -> None:
        """Finish a row. If its source has changed meanwhile it is due again."""
        now, caused = self._now(), values.get("fingerprint_after")
        given = {"finished": state, "now": now, "updated_at": now, "last_error": "", **values}
        given |= {"carried": row.carrying, "caused": row.carrying if caused is None else caused}
        self._execute(connection, _FINISH, row, given)

    def _read_fingerprint(self, connection: sa.Connection, row: Row) -> str:
        """Read the latest fingerprint, and lock the row against listings until the transaction ends."""
        return str(connection.execute(_FINGERPRINT, self._key_of(row)).scalar_one())

    def _key_of(self, row: Row) -> dict[str, str]:
        return {"of_connector": self._connector, "of_id": row.source_id}

    def _set(self, row: Row, state: RowState, values: Mapping[str, Any]) -> None:
        with self._end_transfer(row) as connection:
            self._update(connection, row, {"state": state, **values})

    def _update(self, connection: sa.Connection, row: Row, values: Mapping[str, Any]) -> None:
        self._execute(connection, _UPDATE, row, {"updated_at": self._now(), **values})

    def _execute(
        self, connection: sa.Connection, update: sa.Update, row: Row, values: Mapping[str, Any]
    ) -> None:
        """Update a row. One that a worker carries must still be its own."""
        given = {**values, **self._key_of(row)}
        if self._run.worker is None:
            connection.execute(update, given)
            return
        given |= {"of_worker": self._run.worker, "of_claim": row.claim}
        if not connection.execute(update.where(*_CLAIMED), given).rowcount:
            raise LeaseLostError(f"{self._connector} {row.source_id}: another worker has taken it over")

    # --- transactions ------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _write(self, *, ordered: bool = False, single: bool = False) -> Iterator[sa.Connection]:
        with self._database.write(ordered=ordered, single=single) as connection:
            check_epoch(connection, self._connector, self._run.epoch)
            if self._run.worker is not None:
                check_worker(connection, self._run.worker)
            yield connection

    @contextlib.contextmanager
    def _end_transfers(self) -> Iterator[sa.Connection]:
        """Begin a transaction that ends transfers for which siblings may wait."""
        with self._write(ordered=bool(self._run.siblings)) as connection:
            if self._run.siblings:
                serialize(connection)
            yield connection

    @contextlib.contextmanager
    def _end_transfer(self, row: Row) -> Iterator[sa.Connection]:
        """Begin a transaction that ends a transfer; make the siblings' rows due that wait for it."""
        with self._end_transfers() as connection:
            yield connection
            wake_one(connection, self._connector, row.source_id, self._now())
