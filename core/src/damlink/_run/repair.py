"""Changes to rows by a person: of rows that no run carries, beside a run; and the reset of a connector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from damlink._model import PushResult
from damlink._secrets.crypto import Cipher
from damlink._state.checkpoint import LedgerCheckpoint
from damlink._state.database import Database
from damlink._state.decisions import Decisions
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.rows import Row, RowState
from damlink.errors import ConfigError, RunActiveError

__all__ = ["reset", "retry", "settle", "settle_row", "skip_row"]

SKIPPABLE: Final = (RowState.DUE, RowState.WAITING, RowState.FAILED, RowState.REJECTED)


def retry(database: Database, connector: str, ids: Sequence[str]) -> int:
    """Make assets due again, the given ones or all that are failed or rejected; return their number.

    Raises:
        RunActiveError: a given one is being carried.
        ConfigError: an id is unknown, or uncertain.
    """
    ledger = Decisions(database, connector)
    if not ids:
        return sum(_revive_if_free(ledger, row) for row in _repeatable_rows(ledger))
    rows = [_find_row(ledger, connector, each) for each in ids]
    for row in rows:
        if row.state is RowState.UNCERTAIN:
            hint = f"decide with `damlink settle {connector} {row.source_id} --saved or --again`"
            raise ConfigError("", f"{connector}: {row.source_id} is uncertain", hint=hint)
    left = [row for row in rows if row.state is RowState.RUNNING]
    if left:
        _revive_left(database, connector, left)
    for row in rows:
        if row not in left:
            ledger.revive(row)
    return len(rows)


def _revive_if_free(ledger: Decisions, row: Row) -> bool:
    """Make a row due again; return false if a run has claimed it meanwhile."""
    try:
        ledger.revive(row)
    except RunActiveError:
        return False
    return True


def _revive_left(database: Database, connector: str, rows: Sequence[Row]) -> None:
    """Make rows due again that a run has left when it was killed: the lease says that no run carries them.

    Raises:
        RunActiveError: a run is active.
    """
    with Lease(database, connector) as lease:
        ledger = Ledger(database, connector, lease.epoch)
        for row in ledger.find([each.source_id for each in rows]).values():
            if row.state is RowState.RUNNING:
                ledger.revive(row)


def _repeatable_rows(ledger: Ledger) -> list[Row]:
    return [*ledger.rows(RowState.FAILED), *ledger.rows(RowState.REJECTED)]


def _find_row(ledger: Ledger, connector: str, source_id: str) -> Row:
    row = ledger.find([source_id]).get(source_id)
    if row is None:
        hint = f"`damlink assets {connector}` lists them"
        raise ConfigError("", f"{connector} has no asset {source_id!r}", hint=hint)
    return row


def settle(
    database: Database, cipher: Cipher, connector: str, source_id: str, *, saved: bool, target_id: str
) -> None:
    """Mark an uncertain asset as pushed with `target_id`, or make it due again.

    Raises:
        RunActiveError: somebody else has decided meanwhile.
        ConfigError: the id is unknown, or the asset is not uncertain.
    """
    ledger = Decisions(database, connector)
    row = _find_row(ledger, connector, source_id)
    if row.state is not RowState.UNCERTAIN:
        what = f"{connector}: {source_id} is {row.state.value}, not uncertain"
        raise ConfigError("", what, hint=f"`damlink retry {connector} {source_id}` carries it again")
    settle_row(ledger, row, cipher, saved=saved, target_id=target_id)


def settle_row(ledger: Ledger, row: Row, cipher: Cipher, *, saved: bool, target_id: str) -> None:
    """Mark an uncertain row as pushed with `target_id`, or make it due again."""
    if saved and row.removal:
        ledger.mark_removed(row, row.removal, None)
    elif saved:
        ledger.mark_pushed(row, PushResult(target_id, notice="settled by hand"))
    else:
        LedgerCheckpoint(ledger, row, cipher.seal, cipher.open).forget_effect()
        ledger.revive(row)


def skip_row(ledger: Ledger, row: Row) -> bool:
    """Finish a row that is not to be carried; return whether it could be skipped.

    What has arrived, or may have, is not skipped, and what has a checkpoint is begun already.
    """
    if row.state not in SKIPPABLE or row.checkpoint is not None:
        return False
    ledger.mark_skipped(row, "skipped by hand")
    return True


def reset(database: Database, connector: str) -> int:
    """Delete all rows, the cursor and the values of a connector; return the number of rows.

    Raises:
        RunActiveError: a run is active.
    """
    with Lease(database, connector) as lease:
        return Ledger(database, connector, lease.epoch).forget()
