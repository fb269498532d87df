"""The grade of a plugin: the highest level of which, and of all below, no rule is broken."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs

from damlink.testing.grade_rules import GRADE_RULES
from damlink.testing.rule import Rule
from damlink.testing.rules import all_rules
from damlink.testing.runner import Result, try_rules

__all__ = ["LEVELS", "NONE", "Graded", "grade_of", "list_graded_rules", "proven_grade", "try_graded"]

LEVELS: Final = ("bronze", "silver", "gold", "platinum")
NONE: Final = "none"
# The level of each rule. Bronze: it works. Silver: it works again after a crash, beside a partner that fails.
# Gold: what is seen only in operation. Platinum: what others need to rely on it.
_LEVEL_OF: Final = {
    "bronze": (
        "plugin.loads",
        "settings.described",
        "settings.unknown-key",
        "listing.unique",
        "listing.stable",
        "transform.pure",
        "content.reopens",
        "content.named",
        "run.once",
        "distribution.summary",
        "distribution.python",
    ),
    "silver": (
        "listing.resumable",
        "listing.inclusive",
        "event.repeated",
        "event.as-listed",
        "event.gone",
        "transform.repeatable",
        "push.once",
        "push.killed",
        "push.findable",
        "run.schedules",
        "partner.401",
        "partner.429",
        "partner.500",
        "partner.500-carrying",
        "partner.half-answer",
        "partner.broken-json",
        "partner.passing",
        "partner.lost-answer",
        "partner.own-secrets",
        "log.secret-free",
        "settings.secret",
        "distribution.core-range",
    ),
    "gold": (
        "listing.lazy",
        "event.reordered",
        "event.own",
        "transform.parallel",
        "content.constant-memory",
        "partner.oversized",
        "run.misbehaving",
        "run.misbehaving-hooks",
        "run.endless-listing",
        "state.atomic",
        "code.own-http",
        "code.own-sleep",
        "code.no-globals",
    ),
    "platinum": (
        "code.annotated",
        "distribution.readme",
        "distribution.licence",
        "distribution.typed",
    ),
}


@attrs.frozen
class Graded:
    """The result of a rule, and the level that needs it."""

    level: str
    result: Result


def list_graded_rules() -> Sequence[tuple[str, Rule]]:
    """Return every rule with its level, bronze first."""
    rules = {each.id: each for each in [*all_rules(), *GRADE_RULES.values()]}
    return [(level, rules[name]) for level in LEVELS for name in _LEVEL_OF[level]]


def try_graded(plugin: str, seconds: float, rules: Iterable[Rule] | None = None) -> Iterator[Graded]:
    """Try every rule on an installed plugin, first those that only read it, and yield each with its result.

    Args:
        seconds: limit of all rules together.
        rules: those to try; all if not given.

    Raises:
        PluginLoadError: the plugin is not installed, or cannot be loaded.
        ConfigError: it has no stand-in.
    """
    levels = {rule.id: level for level, rule in list_graded_rules()}
    wanted = [rule for _, rule in list_graded_rules()] if rules is None else rules
    chosen = sorted(wanted, key=lambda rule: not rule.is_static)
    for result in try_rules(plugin, chosen, seconds=seconds):
        yield Graded(levels[result.rule.id], result)


def grade_of(graded: Iterable[Graded]) -> str | None:
    """Return the highest level that is reached; `none` if bronze is not.

    `None` if that cannot be said, because rules were not tried.
    """
    outcomes = _outcomes(graded)
    reached = NONE
    for level in LEVELS:
        if "broken" in outcomes[level]:
            break
        if "not tried" in outcomes[level]:
            return None
        reached = level
    return reached


def proven_grade(graded: Iterable[Graded]) -> str:
    """Return the highest level that is certain, whatever the rules that were not tried would have shown."""
    outcomes = _outcomes(graded)
    certain = itertools.takewhile(lambda level: not outcomes[level] & {"broken", "not tried"}, LEVELS)
    return max(certain, key=LEVELS.index, default=NONE)


def _outcomes(graded: Iterable[Graded]) -> dict[str, set[str]]:
    """Return the outcomes of the rules of each level."""
    outcomes: dict[str, set[str]] = {level: set() for level in LEVELS}
    for each in graded:
        outcomes[each.level].add(each.result.outcome)
    return outcomes
