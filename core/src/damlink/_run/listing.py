"""Store a listing as rows, in batches; each transaction includes the cursor behind its batch."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

from damlink._model import Removed, SourceAsset
from damlink._plugin.values import Refused
from damlink._run.adoption import find_adoptable
from damlink._run.recorder import Batch, Recorder
from damlink._run.report import RunListener
from damlink._run.runtime import ConnectorRuntime
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed, Progress
from damlink._state.rows import RowState, as_listed
from damlink.errors import ConnectorError, DamlinkError

__all__ = ["list_into", "starting_point"]

_log = logging.getLogger("damlink.run")


def starting_point(progress: Progress, selection: str, *, full: bool) -> str | None:
    """Return the cursor to list from; `None`, the beginning, for a full run or another selection."""
    return None if full or progress.selection != selection else progress.cursor


def list_into(
    ledger: Ledger,
    runtime: ConnectorRuntime,
    *,
    full: bool,
    listener: RunListener,
    is_stopped: Callable[[], bool],
) -> None:
    """Store the listing to its end, or until the run is stopped.

    A source asset that cannot be stored becomes a failed row, and the listing goes on. Without a usable id
    there is no row to remember the failure: the cursors behind the asset are not stored, so that the next
    listing yields it again.

    Raises:
        ConnectorError: the listing raised it on any page, or yielded an asset without a usable id.
    """
    selection, progress = runtime.selection, ledger.progress()
    since = starting_point(progress, selection, full=full)
    reconsider_skipped = progress.completed not in (None, selection)
    found = find_adoptable(runtime, progress)
    nameless: list[DamlinkError] = []

    def store(batch: Batch) -> None:
        listed = Listed(batch.assets, batch.cursor, found, reconsider_skipped)
        listener.on_batch(ledger.record(listed, selection))

    with (
        Recorder(store) as recorder,
        _finish_on_error(recorder),
        contextlib.closing(runtime.plugin.list_source_assets(runtime.context, since)) as items,
    ):
        for item in items:
            if is_stopped():
                return
            if isinstance(item, SourceAsset | Removed):
                recorder.add(as_listed(item))
            elif isinstance(item, Refused):
                nameless += _refuse(ledger, runtime, item, listener)
            elif not nameless:
                recorder.reach(item.value)
        recorder.finish()
    ledger.complete(selection)
    listener.on_listing_end()
    if nameless:
        more = f" (and {len(nameless) - 1} more)" if len(nameless) > 1 else ""
        raise ConnectorError(f"{nameless[0].args[0]}{more}", hint=nameless[0].hint)


@contextlib.contextmanager
def _finish_on_error(recorder: Recorder) -> Iterator[None]:
    """Store the assets that were listed before an error: they can be carried all the same."""
    try:
        yield
    except ConnectorError:
        recorder.finish()
        raise


def _refuse(
    ledger: Ledger, runtime: ConnectorRuntime, item: Refused, listener: RunListener
) -> list[DamlinkError]:
    """Store a refused asset as a failed row; return its error if it has no id for a row."""
    _log.error("%s: %s", runtime.name, item.error)
    if item.source_id is None:
        return [item.error]
    message = str(item.error)
    row = ledger.refuse(item.source_id, item.fingerprint, item.title, message)
    if row is not None:
        listener.on_finish(row, RowState.FAILED, message)
    return []
