"""What a run would carry, and why. Asks, and writes nothing anywhere."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

from damlink._assembly import Assembled, Assembly
from damlink._listing import existing_in_portal, starting_point
from damlink._model import SourceAsset
from damlink._state import Ledger, Progress, Row, RowState, is_changed

__all__ = ["Planned", "plan_connector"]

PAGE: Final = 200
_READY: Final = (RowState.DUE, RowState.FAILED, RowState.WAITING, RowState.RUNNING)


@attrs.frozen
class Planned:
    """An asset that a run would carry, and why."""

    source_id: str
    title: str
    why: str


def plan_connector(assembly: Assembly, name: str, *, full: bool = False) -> Iterator[Planned]:
    """Yield what a run would carry now: what is due in the ledger, then what the listing would add.

    Raises:
        ConnectorError: the listing failed.
    """
    work = assembly.assemble(name)
    ledger = Ledger(assembly.database, name) if assembly.has_database else None
    due = list(_due(ledger, work)) if ledger else []
    yield from due
    met = {planned.source_id for planned in due}
    for planned in _listed(work, ledger, full=full):
        if planned.source_id not in met:
            met.add(planned.source_id)
            yield planned


def _due(ledger: Ledger, work: Assembled) -> Iterator[Planned]:
    now = work.context.now()
    for state in _READY:
        for row in ledger.rows(state):
            if (row.due_at is not None and row.due_at <= now) or state is RowState.RUNNING:
                yield Planned(row.source_id, row.title, _why_due(row))


def _why_due(row: Row) -> str:
    if row.state is RowState.FAILED:
        times = "once" if row.attempts == 1 else f"{row.attempts} times"
        return f"failed {times}: {row.last_error}"
    if row.state is RowState.RUNNING:
        return "begun, not finished"
    return row.reason or ("changed" if row.previous else "listed, not carried yet")


def _listed(work: Assembled, ledger: Ledger | None, *, full: bool) -> Iterator[Planned]:
    progress = ledger.progress() if ledger else Progress()
    since = starting_point(progress, work.selection, full=full)
    rejudge = progress.completed not in (None, work.selection)
    found = existing_in_portal(work, progress)
    with contextlib.closing(work.connector.list_source_assets(work.context, since)) as items:
        assets = (item for item in items if isinstance(item, SourceAsset))
        while page := list(itertools.islice(assets, PAGE)):
            known = ledger.known([asset.source_id for asset in page]) if ledger else {}
            yield from _judged(page, known, found, rejudge=rejudge)


def _judged(
    page: Iterable[SourceAsset], known: Mapping[str, Row], found: Mapping[str, str], *, rejudge: bool
) -> Iterator[Planned]:
    for asset in page:
        row = known.get(asset.source_id)
        if row is None:
            if asset.source_id not in found:
                yield Planned(asset.source_id, asset.title, "new")
        elif is_changed(row, asset):
            yield Planned(asset.source_id, asset.title, "changed")
        elif rejudge and row.state is RowState.SKIPPED:
            yield Planned(asset.source_id, asset.title, f"skipped before: {row.reason}")
