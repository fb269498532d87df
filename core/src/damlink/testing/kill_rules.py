"""Rule on a process that is killed while it delivers: right before a request that acts, or right after it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from damlink.errors import DamlinkError, UnclearError
from damlink.testing.case import MOST_TRIED, Case
from damlink.testing.deaths import Death, watching
from damlink.testing.rule import BrokenRuleError, NotApplicableError, rule


@rule(
    "push.killed",
    proves="Killed before or after any request that acts, the next run delivers the asset once.",
    cure="note in the checkpoint what you send before you send it, and look there and at the target first",
)
def survive_kills(case: Case) -> None:
    """Kill the carrying of some assets at requests spread over all that act, and carry each again."""
    case.require_listing()
    sources = list(case.list_carried())
    before = len(case.targets())
    with watching(case.trial.context, counting := Death()):
        case.trial.carry(sources[0])
    acts = case.count_acts()
    if not counting.count or len(sources) < 2:
        raise NotApplicableError("it sends nothing that acts, or its stand-in lists one asset")
    for source, death in zip(sources[1:], _deaths(counting.count), strict=False):
        with watching(case.trial.context, death), contextlib.suppress(DamlinkError):
            case.trial.carry(source)
        with contextlib.suppress(UnclearError):
            case.trial.carry(source)
    made = len(case.targets()) - before
    if made > len(sources):
        raise BrokenRuleError(f"of {len(sources)} assets, all but one killed on the way, it made {made}")
    for line, number in case.count_acts().items():
        if number > acts.get(line, 1) * len(sources) * (1 + case.repeats):
            raise BrokenRuleError(
                f"of {len(sources)} assets, all but one killed, it sent {line} {number} times"
            )


def _deaths(count: int) -> Iterator[Death]:
    """Yield deaths: after the last request and the first, before the last, and after one in the middle."""
    yield Death(count)
    yield Death(1)
    yield Death(count, before=True)
    for _ in range(MOST_TRIED):
        yield Death((count + 1) // 2)
