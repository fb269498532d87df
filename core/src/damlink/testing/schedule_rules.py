"""Rule on seeded schedules: whatever disturbs the runs, every asset is delivered once."""

from __future__ import annotations

import time
from typing import Final

from damlink.testing.case import Case
from damlink.testing.rule import BrokenRuleError, NotApplicableError, rule
from damlink.testing.schedules import End, draw, play

# A slow plugin tries fewer of them, in seconds of a processor: a busy machine tries the same ones.
MOST_SECONDS: Final = 15.0


@rule(
    "run.schedules",
    proves="Crashes, lost answers, errors, lags and restarts in seeded schedules lose and double no asset.",
    cure="note what you send before you send it, look for its effect first, and keep nothing before it is so",
)
def survive_schedules(case: Case) -> None:
    """Run undisturbed, then by one schedule after the other, each in a sandbox of its own."""
    case.require_listing()
    began = time.process_time()
    calm = play(case, case.trial.folder / "calm", [])
    if calm.pushed and not calm.made:
        raise BrokenRuleError(f"{calm.pushed} assets are called done, and nothing has arrived")
    if not calm.made or calm.left:
        raise NotApplicableError("an undisturbed run does not deliver everything: see run.once")
    for seed in range(1, case.subject.schedules + 1):
        plan = draw(seed, case)
        end = play(case, case.trial.folder / f"schedule-{seed}", plan.rounds)
        if problem := _compare(case, calm, end):
            raise BrokenRuleError(f"{problem}, in schedule {seed}: {plan}")
        if time.process_time() - began > MOST_SECONDS:
            return


def _compare(case: Case, calm: End, end: End) -> str:
    """Return what a schedule has changed; empty if nothing."""
    if end.left:
        return f"{end.left} of {calm.made} assets are not carried ({end.cause})"
    if end.made > calm.made:
        return f"of {calm.made} assets it made {end.made}"
    if end.made + end.uncertain < calm.made:
        return f"of {calm.made} assets {calm.made - end.made} are lost"
    for line, number in end.acts.items():
        if number > calm.acts.get(line, calm.made) * (1 + case.repeats):
            return f"of {calm.made} assets it sent {line} {number} times"
    return ""
