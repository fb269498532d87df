"""Rules on what a plugin lists."""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from collections.abc import Iterable

from damlink._model import SourceAsset
from damlink.testing.case import Case
from damlink.testing.listings import batches_of, fingerprints_of, following_of, moments_of
from damlink.testing.rule import BrokenRuleError, NotApplicableError, rule


def _some(names: Iterable[str]) -> str:
    found = sorted(set(names))
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f"{', '.join(found[:3])}{more}"


@rule(
    "listing.lazy",
    proves="A listing is read page by page: carrying starts at once, in constant memory.",
    cure="make list_source_assets a generator that yields each page before it requests the next one",
)
def list_lazily(case: Case) -> None:
    """Count the requests before the first asset, and those of the complete listing."""
    case.require_listing()
    with contextlib.closing(case.listing()) as items:
        first = next((item for item in items if isinstance(item, SourceAsset)), None)
        before = case.subject.listing_requests(case.trial)
        deque(items, maxlen=0)
    after = case.subject.listing_requests(case.trial)
    if first is None:
        raise BrokenRuleError("the listing is empty; give the stand-in something to list")
    if before < after:
        return
    if case.is_paged and before > 1:
        raise BrokenRuleError(f"all {after} requests of the listing were sent before its first asset")
    if case.is_paged:
        more = "give the stand-in more than a page, or set its trial_is_paged to False"
        raise BrokenRuleError(f"the listing is one page, which shows nothing; {more}")
    raise NotApplicableError("the partner's list is one page")


@rule(
    "listing.unique",
    proves="The source ids that are committed together are unique.",
    cure="yield each asset once between two cursors, with an id that no other asset has",
)
def list_each_once(case: Case) -> None:
    """Look for an id that is listed twice between two cursors."""
    case.require_listing()
    counts = (Counter(batch) for batch in batches_of(case.listing()))
    twice = [name for batch in counts for name, number in batch.items() if number > 1]
    if twice:
        raise BrokenRuleError(f"listed twice between two cursors: {_some(twice)}")


@rule(
    "listing.stable",
    proves="Ids and fingerprints stay while nothing changes; else every run carries every asset again.",
    cure="make both of what the partner sends, never of the time, a counter or a signed address",
)
def list_alike(case: Case) -> None:
    """List twice, and compare."""
    case.require_listing()
    first, second = fingerprints_of(case.listing()), fingerprints_of(case.listing())
    if other := {name for name, _ in first} ^ {name for name, _ in second}:
        raise BrokenRuleError(f"in one of two equal listings only: {_some(other)}")
    if first != second:
        raise BrokenRuleError(
            f"unchanged, but with another fingerprint: {_some(n for n, _ in first ^ second)}"
        )


@rule(
    "listing.resumable",
    proves="No asset is lost by a crash: a listing from any cursor has all that came after it.",
    cure="yield a Cursor only behind all that it covers, and ask from its moment on, that moment included",
)
def resume_listing(case: Case) -> None:
    """List again from some of the cursors."""
    case.require_listing()
    for value, assets in following_of(list(case.listing())).items():
        if lost := assets - fingerprints_of(case.listing(value)):
            raise BrokenRuleError(
                f"from the cursor {value!r} it leaves out {_some(name for name, _ in lost)}"
            )


@rule(
    "listing.inclusive",
    proves="A cursor that is a moment includes it: an asset of that moment may be added later.",
    cure="ask from the cursor's moment on, that moment included; an asset that is listed again does no harm",
)
def include_moment(case: Case) -> None:
    """List again from cursors that are the moment of the last asset before them."""
    case.require_listing()
    moments = moments_of(list(case.listing()))
    if not moments:
        raise NotApplicableError("no cursor is the moment of an asset")
    for value, last in moments.items():
        if last not in {name for name, _ in fingerprints_of(case.listing(value))}:
            raise BrokenRuleError(
                f"from the cursor {value!r} it leaves out {last}, the asset of that very moment"
            )
