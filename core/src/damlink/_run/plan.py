"""The plan of a run: the assets that it would carry, and why. Reads only, and writes nothing."""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

import attrs

from damlink._model import Cursor, Removed, SourceAsset
from damlink._plugin.metadata import describe_metadata, read_metadata
from damlink._plugin.values import Refused
from damlink._run.accounts import accounts_of, change_of, describe
from damlink._run.adoption import find_adoptable
from damlink._run.backup_marker import verify_not_restored
from damlink._run.listing import starting_point
from damlink._run.runtime import ConnectorRuntime
from damlink._run.session import Session
from damlink._state.accounts import AccountChange
from damlink._state.claim import SKIP
from damlink._state.compare import Compared, Comparison, compare
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed, Progress
from damlink._state.plans import PlannedAsset
from damlink._state.removal import reason_of
from damlink._state.rows import REMOVAL, Row, RowState, as_listed
from damlink._upload.part_sizes import count_requests

__all__ = ["PAGE", "Plan", "plan_connector"]

_log = logging.getLogger("damlink.run")

PAGE: Final = 200
# Of an asset that leaves the portal: its record, and the address of its original.
READS: Final = 2

_WithSource: TypeAlias = tuple[PlannedAsset, SourceAsset]


@attrs.frozen
class Plan:
    """The assets that a run would carry, with what a person should know first.

    Attributes:
        notices: one line each, such as another account.
        assets: listed while they are read; those that the run would skip are among them if asked for.
        revised: fingerprints of due assets that have changed again, by source id; complete when all
            assets have been read.
    """

    runtime: ConnectorRuntime
    notices: list[str]
    assets: Iterator[PlannedAsset]
    revised: Mapping[str, str]


def plan_connector(
    session: Session,
    name: str,
    *,
    full: bool = False,
    planned: dict[str, set[str]] | None = None,
    with_skipped: bool = False,
) -> Plan:
    """Return the assets that a run would carry now: the due rows, then those that the listing adds.

    Args:
        full: as a run with `--full`.
        planned: source ids by connector, of the plans made before this one; its own ids are added. What
            a sibling has planned is not planned again: the sibling's run would be the first to carry it.
        with_skipped: also yield the assets that the run would not carry, although they are new or due.

    Raises:
        ConnectorError: the portal cannot be asked, or, while the assets are read, the listing failed.
    """
    if session.has_database:
        verify_not_restored(session.database, name)
    runtime = session.open_connector(name)
    ledger = Ledger(session.database, name, siblings=runtime.siblings) if session.has_database else None
    change = change_of(runtime, ledger, accounts_of(session, runtime)) if ledger else AccountChange()
    revised: dict[str, str] = {}
    parts = (
        _plan_retargeted(ledger, change),
        _plan_due(ledger),
        _plan_listing(runtime, ledger, revised, full=full or bool(change.source)),
    )
    planned = planned if planned is not None else {}
    taken = set().union(*(planned.get(sibling, set()) for sibling in runtime.siblings))
    own = planned.setdefault(name, set())
    notices = describe(name, change)
    if runtime.config.metadata:
        metadata = read_metadata(runtime.config, session.opener)
        notices.append(f"{name}: each asset gets {describe_metadata(metadata)}")
    every = itertools.chain(*parts)
    estimated = (_estimate(runtime, *each) for each in every)
    chosen = (each for each in estimated if with_skipped or each.is_carried)
    return Plan(runtime, notices, _each_once(chosen, own, taken), revised)


def _each_once(assets: Iterable[PlannedAsset], own: set[str], taken: set[str]) -> Iterator[PlannedAsset]:
    for each in assets:
        if each.source_id not in own and each.source_id not in taken:
            own.add(each.source_id)
            yield each


def _plan_row(row: Row, why: str, action: str = "") -> _WithSource:
    action, seen = action or _action_of(row.carrying, row), row.carrying
    planned = PlannedAsset(source_id=row.source_id, title=row.title, why=why, action=action, fingerprint=seen)
    return planned, row.source


def _estimate(runtime: ConnectorRuntime, asset: PlannedAsset, source: SourceAsset) -> PlannedAsset:
    """Add what the plugin says, and the requests to the portal: a file of unknown size has one part."""
    if not asset.is_carried or asset.action == "remove":
        return asset
    found = runtime.plugin.estimate(runtime.context, source)
    if found.skip:
        return attrs.evolve(asset, action=SKIP, why=found.skip)
    asset = attrs.evolve(asset, size=found.size, spends=found.spends)
    uploads = runtime.plugin.about.uploads
    requests = count_requests(asset.size or 1, is_version=asset.action == "version") if uploads else READS
    return attrs.evolve(asset, requests=requests)


def _action_of(fingerprint: str, row: Row | None) -> str:
    if fingerprint.startswith(REMOVAL):
        return "remove"
    return "version" if row is not None and row.previous is not None else "new"


def _plan_retargeted(ledger: Ledger | None, change: AccountChange) -> Iterator[_WithSource]:
    why = f"due for another target account ({', '.join(change.target)})"
    rows = ledger.read_finished() if ledger and change.target else iter(())
    # What is at the former target is not a version there.
    return (_plan_row(row, why, "remove" if row.is_removal else "new") for row in rows)


def _plan_due(ledger: Ledger | None) -> Iterator[_WithSource]:
    rows = ledger.ready() if ledger else iter(())
    while page := list(itertools.islice(rows, PAGE)):
        held = _find_held(ledger, {row.source_id: row for row in page})
        for row in page:
            reason = held.get(row.source_id)
            yield _plan_row(row, reason or _why_due(row), SKIP if reason else "")


def _why_due(row: Row) -> str:
    if row.state is RowState.FAILED:
        times = "once" if row.attempts == 1 else f"{row.attempts} times"
        return f"failed {times}: {row.last_error}"
    if row.state is RowState.RUNNING:
        return "begun, not finished"
    return row.reason or ("changed" if row.previous else "listed, not carried yet")


def _find_held(ledger: Ledger | None, rows: Mapping[str, Row | None]) -> dict[str, str]:
    """Return why a run would skip or delay assets, by source id, because a sibling holds them."""
    holds = ledger.holds(list(rows)) if ledger else {}
    notes = {key for key, row in rows.items() if row is not None and row.checkpoint is not None}
    return {key: hold.reason for key, hold in holds.items() if hold.blocks(has_checkpoint=key in notes)}


def _plan_listing(
    runtime: ConnectorRuntime, ledger: Ledger | None, revised: dict[str, str], *, full: bool
) -> Iterator[_WithSource]:
    progress = ledger.progress() if ledger else Progress()
    since = starting_point(progress, runtime.selection, full=full)
    reconsider = progress.completed not in (None, runtime.selection)
    found = find_adoptable(runtime, progress)
    with contextlib.closing(runtime.plugin.list_source_assets(runtime.context, since)) as items:
        assets = _assets(items)
        while page := list(itertools.islice(assets, PAGE)):
            listed = Listed(page, found=found, reconsider_skipped=reconsider)
            differing = ledger.compare(listed) if ledger else _compare_with_nothing(listed)
            held = _find_held(ledger, {each.asset.source_id: each.row for each in differing})
            for each in differing:
                if each.row is not None and each.row.checkpoint is None:
                    revised[each.asset.source_id] = each.asset.fingerprint
                yield from _plan_listed(each, held.get(each.asset.source_id, ""))


def _plan_listed(compared: Compared, held: str) -> Iterator[_WithSource]:
    """Yield a listed asset if a run would carry it, or would skip it for a reason that a person asks for."""
    asset, row = compared.asset, compared.row
    is_found = compared.comparison is Comparison.FOUND
    if not is_found and not compared.comparison.is_carried(row):
        return
    reason = "found in the portal" if is_found else held
    planned = PlannedAsset(
        source_id=asset.source_id,
        title=asset.title or (row.title if row else ""),
        why=reason or _why_listed(compared),
        action=SKIP if reason else _action_of(asset.fingerprint, row),
        fingerprint=asset.fingerprint,
    )
    yield planned, asset


def _compare_with_nothing(listed: Listed) -> list[Compared]:
    return [Compared(asset, None, compare(None, asset, listed.found)) for asset in listed.assets]


def _assets(items: Iterable[SourceAsset | Removed | Cursor | Refused]) -> Iterator[SourceAsset]:
    for item in items:
        if isinstance(item, SourceAsset | Removed):
            yield as_listed(item)
        elif isinstance(item, Refused):
            _log.error("%s", item.error)


def _why_listed(compared: Compared) -> str:
    if compared.asset.fingerprint.startswith(REMOVAL):
        return reason_of(compared.asset)
    if compared.comparison is Comparison.RECONSIDERED and compared.row is not None:
        return f"skipped before: {compared.row.reason}"
    return compared.comparison.value
