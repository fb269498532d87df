"""Transfer of one row: transform, push, and store its state."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final, cast

import attrs

from damlink._model import PreparedAsset, PushResult, Removed, Skip
from damlink._plugin.under_way import calling
from damlink._run.adoption import find_existing
from damlink._run.runtime import ConnectorRuntime
from damlink._state.checkpoint import LedgerCheckpoint
from damlink._state.ledger import Ledger
from damlink._state.rows import Row, RowState
from damlink._system.process import is_interrupt
from damlink.errors import (
    AssetRejectedError,
    ConnectorError,
    DamlinkError,
    LeaseLostError,
    NotYet,
    PluginBugError,
    StateError,
    UnclearError,
)

__all__ = ["Job", "Outcome", "Transfer"]

# A longer pause leaves the row to a later run.
MAX_PAUSE_SECONDS: Final = 120.0
# In all: of one row, and of a run that finishes nothing.
MAX_WAIT_SECONDS: Final = 900.0
# A plugin that always asks for no pause must not occupy a processor.
LEAST_PAUSE_SECONDS: Final = 0.02
_UNANSWERED: Final = "a save of it that was sent before got no answer"

FOUND: Final = "found in the portal"
# Errors in a chain of causes: a plugin may raise its own error for one of ours.
MOST_BEHIND: Final = 5

_log = logging.getLogger("damlink.run")


@attrs.define
class Job:
    """Claimed row in transfer; it keeps its prepared asset while it waits within the run."""

    row: Row
    checkpoint: LedgerCheckpoint
    prepared: PreparedAsset | Removed | None = None
    waiting_since: float | None = None

    def close(self) -> None:
        """Close the content; log the failure of a plugin's own content class."""
        if not isinstance(self.prepared, PreparedAsset):
            return
        try:
            with calling(self.row.connector, "close of its content", self.row.source_id):
                self.prepared.content.close()
        except BaseException as error:
            if is_interrupt(error):
                raise
            # The row's state is stored already: a failure to close must not change it.
            _log.exception("%s %s: closing its content failed", self.row.connector, self.row.source_id)


@attrs.frozen
class Outcome:
    """State of a job after one attempt; with `again_after`, the next attempt is in so many seconds."""

    state: RowState
    message: str = ""
    again_after: float | None = None


class Transfer:
    """Transfer of the rows of one connector.

    Args:
        max_wait: seconds that a row, or a run that finishes nothing, waits within the run.
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        runtime: ConnectorRuntime,
        ledger: Ledger,
        *,
        max_wait: float = MAX_WAIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runtime = runtime
        self._ledger = ledger
        self._max_wait, self._clock = max_wait, clock
        # Time since which all rows wait and none was finished.
        self._idle_since: float | None = None
        self._progress = ledger.progress()

    def carry(self, job: Job) -> Outcome:
        """Carry one job as far as possible now, and store its state.

        Raises:
            DamlinkError: it stops more than this asset; nothing was written, and the row is due again.
        """
        try:
            outcome = self._carry(job)
        except NotYet as pause:
            return self._postpone(job, pause)
        except DamlinkError as error:
            if error.stops != "asset":
                raise
            outcome = self._record_failure(job, error)
        self._idle_since = None
        return outcome

    def _carry(self, job: Job) -> Outcome:
        row, plugin, context = job.row, self._runtime.plugin, self._runtime.context
        if row.is_refused:
            raise PluginBugError(row.last_error)
        if job.prepared is None:
            if not row.removal and (found := find_existing(self._runtime, row, self._progress)):
                self._ledger.mark_pushed(row, PushResult(found, notice=FOUND))
                return Outcome(RowState.PUSHED, FOUND)
            prepared = row.removal or plugin.transform(
                context, job.checkpoint.source, row.previous, job.checkpoint
            )
            if (outcome := self._finish_without_push(job, prepared)) is not None:
                return outcome
            job.prepared = cast("PreparedAsset | Removed", prepared)
        source = job.checkpoint.source
        # A push that is repeated makes the same uploads once more.
        job.checkpoint.uploads.clear()
        result = plugin.push(context, job.prepared, source, row.previous, job.checkpoint)
        if isinstance(job.prepared, Removed):
            return self._record_removal(job, job.prepared, result)
        return self._record_delivery(job, cast("PushResult", result))

    def _finish_without_push(self, job: Job, prepared: PreparedAsset | Removed | Skip) -> Outcome | None:
        """Finish a row that has nothing to push: it is skipped, or removed before anything was delivered."""
        if isinstance(prepared, PreparedAsset):
            return None
        if job.checkpoint.is_unclear:
            what = "skipped" if isinstance(prepared, Skip) else "removed"
            raise UnclearError(f"it is to be {what} ({prepared.reason}), but {_UNANSWERED}")
        if isinstance(prepared, Skip):
            self._ledger.mark_skipped(job.row, prepared.reason)
            return Outcome(RowState.SKIPPED, prepared.reason)
        if job.row.previous is None and not job.checkpoint.names():
            return self._record_removal(job, prepared, prepared)
        return None

    def _record_removal(self, job: Job, removed: Removed, result: PushResult | Removed) -> Outcome:
        """Finish a row whose asset is removed at the source."""
        kept = result if isinstance(result, PushResult) else None
        reason = self._ledger.mark_removed(job.row, removed, kept)
        _log.info("%s: removed %s: %s", self._runtime.name, job.row.source_id, reason)
        return Outcome(RowState.REMOVED, reason)

    def _record_delivery(self, job: Job, result: PushResult) -> Outcome:
        """Store the delivery; if that fails, leave the row uncertain, so that it is not delivered twice.

        While the database is away, the row stays as after a crash: the run that carries it next goes on from
        its checkpoint.
        """
        row = job.row
        if result.content_fingerprint is None and isinstance(job.prepared, PreparedAsset):
            result = attrs.evolve(result, content_fingerprint=job.prepared.content_fingerprint or None)
        try:
            self._ledger.mark_pushed(row, result)
        except LeaseLostError:
            raise
        except Exception as error:
            if isinstance(error, StateError) and error.is_away:
                raise
            cause = f"it was delivered as {result.target_id!r}, but that could not be written: {error}"
            trace = None if isinstance(error, DamlinkError) else error
            _log.error("%s %s: %s", self._runtime.name, row.source_id, cause, exc_info=trace)
            return self._record_failure(job, UnclearError(cause))
        self._announce(row, result)
        return Outcome(RowState.PUSHED, result.notice)

    def _postpone(self, job: Job, pause: NotYet) -> Outcome:
        """Wait within the run if the pause is short, each and in all; otherwise leave it to a later run."""
        if pause.retry_after is not None and pause.retry_after <= MAX_PAUSE_SECONDS:
            again_after = max(LEAST_PAUSE_SECONDS, pause.retry_after)
            if self._may_wait(job, again_after):
                return Outcome(RowState.RUNNING, pause.reason, again_after=again_after)
        self._ledger.mark_waiting(job.row, pause.reason, timedelta(seconds=pause.retry_after or 0))
        return Outcome(RowState.WAITING, pause.reason)

    def _may_wait(self, job: Job, pause: float) -> bool:
        """Return whether this row, and the run, may wait for so many seconds."""
        now = self._clock()
        job.waiting_since = now if job.waiting_since is None else job.waiting_since
        self._idle_since = now if self._idle_since is None else self._idle_since
        return now - min(job.waiting_since, self._idle_since) + pause <= self._max_wait

    def _record_failure(self, job: Job, error: DamlinkError) -> Outcome:
        row, message, requests = job.row, str(error), _requests_of(error)
        if isinstance(error, AssetRejectedError):
            if not job.checkpoint.is_unclear:
                self._ledger.mark_rejected(row, message, requests)
                return Outcome(RowState.REJECTED, message)
            # To finish the row would forget the save, and a later change would become a second asset.
            unclear = UnclearError(f"{message}; moreover, {_UNANSWERED}")
            unclear.__cause__ = error
            return self._record_failure(job, unclear)
        if isinstance(error, UnclearError):
            hint = f"decide with `damlink settle {self._runtime.name} {row.source_id} --saved or --again`"
            self._ledger.mark_uncertain(row, f"{message}; {hint}", requests)
            return Outcome(RowState.UNCERTAIN, message)
        if isinstance(error, PluginBugError):
            _log.error("%s %s: %s", self._runtime.name, row.source_id, message, exc_info=error)
        self._ledger.mark_failed(row, message, requests)
        return Outcome(RowState.FAILED, message)

    def _announce(self, row: Row, result: PushResult) -> None:
        _log.info("%s: pushed %s as %s", self._runtime.name, row.source_id, result.target_id)
        if result.notice:
            _log.warning("%s %s: %s", self._runtime.name, row.source_id, result.notice)


def _requests_of(error: BaseException) -> str | None:
    """Return the request that an error, or an error behind it, is about, as JSON for the history."""
    behind: BaseException | None = error
    for _ in range(MOST_BEHIND):
        if behind is None:
            break
        if (request := getattr(behind, "request", None)) and isinstance(behind, ConnectorError):
            return json.dumps([dict(request)])
        behind = behind.__cause__ or behind.__context__
    return None
