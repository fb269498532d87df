"""The ledger: every source asset a connector has met, and what became of it.

Every write of a run happens under its lease: if another run has raised the epoch since, nothing is
written and `LeaseLostError` is raised.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from damlink._model import PushResult, SourceAsset
from damlink._state._engine import Database
from damlink._state._listed import Listed, Progress, Tally
from damlink._state._merge import merge
from damlink._state._rows import Row, RowState, as_row, dump_result, next_round
from damlink._state._tables import cursor as cursor_table
from damlink._state._tables import lease as lease_table
from damlink._state._tables import ledger as t
from damlink._state._tables import value as value_table
from damlink.errors import LeaseLostError

__all__ = ["Ledger"]

_HOLDING: Final = (RowState.PUSHED, RowState.RUNNING, RowState.UNCERTAIN)


class Ledger:
    """One connector's rows. Without an epoch it only reads.

    Args:
        epoch: of the lease under which to write.
        siblings: other connectors of the same plugin and portal, where an asset comes once a portal.
    """

    def __init__(
        self, database: Database, connector: str, epoch: int | None = None, siblings: Sequence[str] = ()
    ) -> None:
        self._database = database
        self._connector = connector
        self._epoch = epoch
        self._siblings = siblings

    # --- listing -----------------------------------------------------------------------------------

    def progress(self) -> Progress:
        """How far the listing has come."""
        query = sa.select(cursor_table).where(cursor_table.c.connector == self._connector)
        with self._database.read() as connection:
            record = connection.execute(query).one_or_none()
        if record is None:
            return Progress()
        return Progress(record.value, record.selection, record.completed)

    def record(self, listed: Listed, selection: str, now: datetime) -> Tally:
        """Write a batch and the cursor behind it in one transaction."""
        with self._fenced() as connection:
            tally = self._merge(connection, listed, now)
            if listed.cursor is not None:
                self._keep(connection, now, value=listed.cursor, selection=selection)
        return tally

    def complete(self, selection: str, now: datetime) -> None:
        """Note that the listing has been walked to its end once under this selection."""
        with self._fenced() as connection:
            self._keep(connection, now, selection=selection, completed=selection)

    def known(self, ids: Sequence[str]) -> dict[str, Row]:
        """The rows of these source ids."""
        with self._database.read() as connection:
            return self._known(connection, ids)

    def _known(self, connection: sa.Connection, ids: Sequence[str], *, held: bool = False) -> dict[str, Row]:
        query = sa.select(t).where(self._mine, t.c.source_id.in_(ids))
        query = query.order_by(t.c.source_id).with_for_update() if held else query
        return {record.source_id: as_row(record) for record in connection.execute(query)}

    def _merge(self, connection: sa.Connection, listed: Listed, now: datetime) -> Tally:
        assets = {asset.source_id: asset for asset in listed.assets}
        # Held until the end, so that a worker that is just finishing one sees its change.
        known = self._known(connection, list(assets), held=True) if assets else {}
        new = [asset for key, asset in assets.items() if key not in known]
        changed = [asset for key, asset in assets.items() if key in known and is_changed(known[key], asset)]
        merge(connection, self._connector, [*new, *changed], now, listed.found)
        if listed.rejudge:
            same = assets.keys() & known.keys() - {asset.source_id for asset in changed}
            self._judge_again(connection, list(same), now)
        found = sum(asset.source_id in listed.found for asset in new)
        return Tally(len(new) - found, len(changed), len(assets) - len(new) - len(changed), found)

    def _judge_again(self, connection: sa.Connection, ids: Sequence[str], now: datetime) -> None:
        skipped = (self._mine, t.c.source_id.in_(ids), t.c.state == RowState.SKIPPED)
        values = {"state": RowState.DUE, "due_at": now, "attempts": 0, "reason": "", "updated_at": now}
        connection.execute(sa.update(t).where(*skipped).values(values))

    def _keep(self, connection: sa.Connection, now: datetime, **values: Any) -> None:
        values |= {"updated_at": now}
        mine = cursor_table.c.connector == self._connector
        updated = connection.execute(sa.update(cursor_table).where(mine).values(values))
        if not updated.rowcount:
            connection.execute(sa.insert(cursor_table).values(connector=self._connector, **values))

    # --- transfer ----------------------------------------------------------------------------------

    def claim(self, now: datetime) -> Row | None:
        """Take the next row that is to be carried; `None` if there is none.

        What a crash has left comes first, then what is due, then what is tried again; each in the order of
        becoming due.
        """
        with self._fenced() as connection:
            while (row := self._take(connection, now)) is not None:
                holder = self._holder(connection, row.source_id)
                if holder is None:
                    return row
                self._finish(connection, row, RowState.SKIPPED, now, reason=f"already brought by {holder}")
        return None

    def _take(self, connection: sa.Connection, now: datetime) -> Row | None:
        earlier = sa.or_(t.c.epoch.is_(None), t.c.epoch < self._epoch)
        orphaned = sa.and_(t.c.state == RowState.RUNNING, t.c.epoch < self._epoch)
        failed = sa.and_(t.c.state == RowState.FAILED, t.c.due_at <= now)
        # Put off once a run is enough.
        waiting = sa.and_(t.c.state == RowState.WAITING, t.c.due_at <= now, earlier)
        # What is due is due, even by a clock that was set back since. State by state, each by its index.
        for condition in (orphaned, t.c.state == RowState.DUE, failed, waiting):
            record = connection.execute(self._taking(condition, now)).one_or_none()
            if record is not None:
                return as_row(record)
        return None

    def _taking(self, condition: sa.ColumnElement[bool], now: datetime) -> sa.UpdateBase:
        chosen = (
            sa.select(t.c.source_id)
            .where(self._mine, condition)
            .order_by(t.c.due_at, t.c.source_id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return (
            sa.update(t)
            .where(self._mine, t.c.source_id == chosen.scalar_subquery())
            .values(state=RowState.RUNNING, epoch=self._epoch, updated_at=now)
            .returning(t)
        )

    def _holder(self, connection: sa.Connection, source_id: str) -> str | None:
        """Another connector of the portal that has this asset, or may have it."""
        if not self._siblings:
            return None
        if connection.dialect.name == "postgresql":  # two siblings may be claiming it at this moment
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(source_id))))
        query = sa.select(t.c.connector).where(
            t.c.connector.in_(self._siblings), t.c.source_id == source_id, t.c.state.in_(_HOLDING)
        )
        return connection.execute(query.limit(1)).scalar()

    def pushed(self, row: Row, result: PushResult, now: datetime) -> None:
        """Finish a row: it has been delivered."""
        values = {
            "result": dump_result(result),
            "target_id": result.target_id,
            "fingerprint_after": result.fingerprint_after,
            "reason": result.notice,
        }
        with self._fenced() as connection:
            self._finish(connection, row, RowState.PUSHED, now, **values)

    def revive(self, row: Row, now: datetime) -> None:
        """Make a row due again: a person has asked for it. What its notes hold is not paid for twice."""
        self._set(row, RowState.DUE, now, {"due_at": now, "attempts": 0, "reason": ""})

    def forget(self) -> int:
        """Delete everything that is kept of the connector but its lease and runs; how many rows."""
        with self._fenced() as connection:
            for table in (cursor_table, value_table):
                connection.execute(sa.delete(table).where(table.c.connector == self._connector))
            return connection.execute(sa.delete(t).where(self._mine)).rowcount

    def release(self, now: datetime) -> None:
        """Make what this run leaves unfinished due again."""
        left = (self._mine, t.c.state == RowState.RUNNING, t.c.epoch == self._epoch)
        with self._fenced() as connection:
            connection.execute(
                sa.update(t).where(*left).values(state=RowState.DUE, due_at=now, updated_at=now)
            )

    def skipped(self, row: Row, reason: str, now: datetime) -> None:
        """Finish a row: it is not to be carried."""
        with self._fenced() as connection:
            self._finish(connection, row, RowState.SKIPPED, now, reason=reason)

    def rejected(self, row: Row, error: str, now: datetime) -> None:
        """Finish a row: the asset is at fault."""
        with self._fenced() as connection:
            self._finish(connection, row, RowState.REJECTED, now, reason=error, last_error=error)

    def failed(self, row: Row, error: str, now: datetime) -> None:
        """Note a failed round; the next one comes later and later."""
        with self._fenced() as connection:
            changed = self._seen(connection, row) != row.fingerprint_seen  # what failed is of the past
            attempts = 1 if changed else row.attempts + 1
            values = {"attempts": attempts, "last_error": error, "due_at": next_round(attempts, now)}
            self._update(connection, row, {"state": RowState.FAILED, "updated_at": now, **values})

    def waiting(self, row: Row, reason: str, due_at: datetime, now: datetime) -> None:
        """Put a row off: nothing is wrong, it is too early."""
        self._set(row, RowState.WAITING, now, {"reason": reason, "due_at": due_at})

    def uncertain(self, row: Row, error: str, now: datetime) -> None:
        """Leave a row to a person: an effect may or may not have happened."""
        values = {"last_error": error, "due_at": None, "checkpoint_fingerprint": row.carrying}
        self._set(row, RowState.UNCERTAIN, now, values)

    def checkpoint(self, row: Row, sealed: bytes | None, now: datetime) -> None:
        """Keep a row's notes, or that it has none; durable when this returns."""
        with self._fenced() as connection:
            noted_for = row.carrying if sealed else None
            values = {"checkpoint": sealed, "checkpoint_fingerprint": noted_for, "updated_at": now}
            self._update(connection, row, values)

    def _finish(
        self, connection: sa.Connection, row: Row, state: RowState, now: datetime, **values: Any
    ) -> None:
        """Finish it, unless its source has changed meanwhile: then it is due again."""
        again = self._seen(connection, row) not in (row.carrying, values.get("fingerprint_after"))
        values |= {
            "state": RowState.DUE if again else state,
            "due_at": now if again else None,
            "fingerprint_carried": row.carrying,
            "attempts": 0,
            "checkpoint": None,
            "checkpoint_fingerprint": None,
            "updated_at": now,
        }
        values.setdefault("last_error", "")
        self._update(connection, row, values)

    def _seen(self, connection: sa.Connection, row: Row) -> str:
        """The fingerprint listed last; none is listed until this transaction ends."""
        seen = sa.select(t.c.fingerprint_seen).where(self._mine, t.c.source_id == row.source_id)
        return str(connection.execute(seen.with_for_update()).scalar_one())

    def _set(self, row: Row, state: RowState, now: datetime, values: Mapping[str, Any]) -> None:
        with self._fenced() as connection:
            self._update(connection, row, {"state": state, "updated_at": now, **values})

    def _update(self, connection: sa.Connection, row: Row, values: Mapping[str, Any]) -> None:
        connection.execute(sa.update(t).where(self._mine, t.c.source_id == row.source_id).values(**values))

    # --- looking -----------------------------------------------------------------------------------

    def has_ready(self, now: datetime) -> bool:
        """Whether a run would find something to carry without listing.

        What was put off until the next run does not call for one; what was put off for a time does.
        """
        by_time = sa.or_(
            t.c.state == RowState.FAILED,
            sa.and_(t.c.state == RowState.WAITING, t.c.due_at > t.c.updated_at),
        )
        at_once = t.c.state.in_((RowState.DUE, RowState.RUNNING))
        ready = sa.or_(at_once, sa.and_(t.c.due_at <= now, by_time))
        with self._database.read() as connection:
            return bool(connection.execute(sa.select(sa.exists().where(self._mine, ready))).scalar())

    def rows(self, state: RowState | None = None) -> Iterator[Row]:
        """The rows, in the order of their last change, read a thousand at a time."""
        query = sa.select(t).where(self._mine).order_by(t.c.updated_at, t.c.source_id)
        if state is not None:
            query = query.where(t.c.state == state)
        with self._database.read() as connection:
            for record in connection.execution_options(yield_per=1000).execute(query):
                yield as_row(record)

    def counts(self) -> dict[str, int]:
        """How many rows are in each state."""
        query = sa.select(t.c.state, sa.func.count()).where(self._mine).group_by(t.c.state)
        with self._database.read() as connection:
            found = {state: int(number) for state, number in connection.execute(query)}
        return {state.value: found[state] for state in RowState if state in found}

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return t.c.connector == self._connector

    @contextlib.contextmanager
    def _fenced(self) -> Iterator[sa.Connection]:
        with self._database.write() as connection:
            check_epoch(connection, self._connector, self._epoch)
            yield connection


def check_epoch(connection: sa.Connection, connector: str, epoch: int | None) -> None:
    """Make sure that the lease is still ours until the transaction ends.

    Raises:
        LeaseLostError: another run has taken over.
    """
    mine = (lease_table.c.connector == connector, lease_table.c.epoch == epoch)
    held = sa.select(lease_table.c.epoch).where(*mine).with_for_update(read=True)
    if connection.execute(held).scalar() is None:
        raise LeaseLostError(f"{connector}: another run has taken over; this one stops")


def is_changed(row: Row, asset: SourceAsset) -> bool:
    """Whether a listed asset must be carried again; a change of our own making is none."""
    return asset.fingerprint not in (row.fingerprint_seen, row.fingerprint_after)
