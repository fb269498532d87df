"""All rules of the kit, in the order in which they are tried."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from damlink.testing import asset_rules as asset_rules
from damlink.testing import event_rules as event_rules
from damlink.testing import kill_rules as kill_rules
from damlink.testing import listing_rules as listing_rules
from damlink.testing import memory_rules as memory_rules
from damlink.testing import misbehaviour as misbehaviour
from damlink.testing import parallel_rules as parallel_rules
from damlink.testing import partner_rules as partner_rules
from damlink.testing import plugin_rules as plugin_rules
from damlink.testing import rude_hooks as rude_hooks
from damlink.testing import schedule_rules as schedule_rules
from damlink.testing import secret_rules as secret_rules
from damlink.testing import state_rules as state_rules
from damlink.testing.rule import RULES, Rule

__all__ = ["ORDER", "UnknownRuleError", "all_rules", "select_rules"]

ORDER = (
    "plugin",
    "settings",
    "listing",
    "event",
    "transform",
    "content",
    "push",
    "run",
    "state",
    "partner",
    "log",
)


def all_rules() -> list[Rule]:
    """Return every rule, by its subject."""
    return sorted(RULES.values(), key=lambda rule: ORDER.index(rule.id.partition(".")[0]))


class UnknownRuleError(LookupError):
    """There is no rule of this name; the hint names the nearest ones."""

    def __init__(self, name: str, hint: str) -> None:
        super().__init__(f"there is no rule {name!r}")
        self.hint = hint


def select_rules(rules: Iterable[Rule], names: Sequence[str]) -> list[Rule]:
    """Return the rules with an id or a subject of `names`; all of them if there is none.

    Raises:
        UnknownRuleError: no rule has this id or subject.
    """
    known = [*rules]
    for name in names:
        if not any(_has_name(rule, name) for rule in known):
            raise UnknownRuleError(name, _hint(name, known))
    return [rule for rule in known if not names or any(_has_name(rule, name) for name in names)]


def _has_name(rule: Rule, name: str) -> bool:
    return name in (rule.id, _subject(rule))


def _subject(rule: Rule) -> str:
    return rule.id.partition(".")[0]


def _hint(name: str, known: Sequence[Rule]) -> str:
    from damlink.testing.grade_rules import GRADE_RULES

    if any(_has_name(rule, name) for rule in GRADE_RULES.values()):
        return "it belongs to the grade alone: `damlink grade PLUGIN --rule ID`"
    near = [rule.id for rule in known if _subject(rule) == name.partition(".")[0]]
    subjects = [*dict.fromkeys(map(_subject, known))]
    near = difflib.get_close_matches(name, [*(rule.id for rule in known), *subjects], n=3) or near
    return f"did you mean {' or '.join(near)}?" if near else f"the subjects are {', '.join(subjects)}"
