"""Rules on the portal's events: doubled, in another order, late, and caused by the plugin itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Final

from damlink._model import PushResult, Removed, SourceAsset
from damlink.errors import AssetRejectedError, NotYet
from damlink.testing.case import MOST_TRIED, Case
from damlink.testing.rule import BrokenRuleError, NotApplicableError, rule

__all__ = ["KINDS"]

DELETED: Final = "asset_bank.media.deleted"
KINDS: Final = (
    "asset_bank.media.create",
    "asset_bank.media.updated",
    "asset_bank.media.meta_updated",
    "asset_bank.media.archived",
    DELETED,
)
"""The events of an asset."""

Items = list[SourceAsset | Removed]


def _first_due(case: Case) -> tuple[str, str, SourceAsset]:
    """Return the id of an asset of the portal, the kind of an event, and what that makes due."""
    if "on_event" not in case.trial.connector.hooks:
        raise NotApplicableError("it has no hook on_event")
    for asset in case.sandbox.part("bynder").state()["assets"][:MOST_TRIED]:
        for kind in KINDS[:-1]:
            for item in case.trial.on_event(asset["id"], kind):
                if isinstance(item, SourceAsset):
                    return asset["id"], kind, item
    raise NotApplicableError(
        "no event makes anything due; let the stand-in's trial_setup() furnish the portal"
    )


def _facts(items: Items) -> list[tuple[str, str]]:
    return sorted((item.source_id, getattr(item, "fingerprint", "removed")) for item in items)


def _name(facts: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{source_id} ({mark:.12})" for source_id, mark in facts)


@rule(
    "event.repeated",
    proves="An event that arrives twice makes the same due as one: it is carried once.",
    cure="make the fingerprint of what the asset is now, never of the event's time",
)
def take_twice(case: Case) -> None:
    """Hand over an event twice, at two times."""
    asset_id, kind, _ = _first_due(case)
    first = _facts(case.trial.on_event(asset_id, kind))
    case.trial.clock.advance(1)
    if (second := _facts(case.trial.on_event(asset_id, kind))) != first:
        other = sorted({name for name, _ in {*first} ^ {*second}})
        raise BrokenRuleError(f"the same event, later, makes due {', '.join(other)} with another fingerprint")


@rule(
    "event.reordered",
    proves="Events in another order lead to the same end: what the asset is now counts.",
    cure="look at event.asset, which is the asset as it is now; the kind of the event may be an old one",
)
def take_in_any_order(case: Case) -> None:
    """Hand over an event of every kind while the asset stays as it is."""
    asset_id, kind, _ = _first_due(case)
    due = _facts(case.trial.on_event(asset_id, kind))
    for late in KINDS:
        if (found := _facts(case.trial.on_event(asset_id, late))) not in ([], due):
            raise BrokenRuleError(f"a late {late} makes due {_name(found)} in place of {_name(due)}")


@rule(
    "event.as-listed",
    proves="An event and the listing show an asset alike: it is carried once, even if its event is lost.",
    cure="let on_event and list_source_assets share the function that makes a SourceAsset",
)
def list_alike(case: Case) -> None:
    """Compare what an event makes due with the listing."""
    _, kind, item = _first_due(case)
    case.require_listing()
    listed = {each.source_id: each.fingerprint for each in case.trial.source_assets()}
    if item.source_id not in listed:
        raise BrokenRuleError(f"{kind} makes {item.source_id} due, and the listing does not show it")
    if listed[item.source_id] != item.fingerprint:
        raise BrokenRuleError(
            f"{item.source_id} has the fingerprint '{item.fingerprint:.12}' by an event, and "
            f"'{listed[item.source_id]:.12}' by the listing"
        )


@rule(
    "event.own",
    proves="The event that a delivery itself causes makes nothing due again: there is no loop.",
    cure="return a PushResult with fingerprint_after: the fingerprint that the asset has by the delivery",
)
def ignore_own(case: Case) -> None:
    """Carry what an event makes due, and hand over the event of the asset again."""
    asset_id, kind, item = _first_due(case)
    result = case.trial.carry(item)
    if not isinstance(result, PushResult):
        raise NotApplicableError("what the event makes due is not carried")
    known = (item.fingerprint, result.fingerprint_after)
    for again in case.trial.on_event(asset_id, kind):
        if isinstance(again, SourceAsset) and again.fingerprint not in known:
            raise BrokenRuleError(
                f"after its delivery {again.source_id} is due again, as {again.fingerprint!r} after "
                f"{item.fingerprint!r}"
            )


@rule(
    "event.gone",
    proves="An event of an asset that is gone raises nothing, and delivers nothing.",
    cure="event.asset is None then: yield a Removed, or nothing",
)
def take_gone(case: Case) -> None:
    """Delete a carried asset, and hand over its deletion and a late event."""
    asset_id, kind, source = _first_due(case)
    case.trial.carry(source)
    before = len(case.targets())
    case.trial.context.bynder.assets.delete(asset_id)
    for late in (DELETED, kind):
        for item in case.trial.on_event(asset_id, late):
            with contextlib.suppress(AssetRejectedError, NotYet):
                _end(case, item, source)
    if len(case.targets()) > before:
        raise BrokenRuleError("an asset is delivered after it was deleted in the portal")


def _end(case: Case, item: SourceAsset | Removed, source: SourceAsset) -> None:
    if isinstance(item, Removed):
        case.trial.push(item, source)
    else:
        case.trial.carry(item)
