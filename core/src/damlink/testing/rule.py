"""One rule of the kit: what it proves, what cures a plugin that breaks it, and the function that tries it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from damlink.testing.case import Case, NotApplicableError

__all__ = ["RULES", "BrokenRuleError", "NotApplicableError", "Rule", "rule"]


class BrokenRuleError(AssertionError):
    """A plugin breaks a rule; the text says what was seen, in one line."""


@attrs.frozen
class Rule:
    """One rule, which every plugin must keep.

    Attributes:
        id: such as `push.once`: the subject, and what is tried.
        proves: what a plugin that passes is proven to do; one sentence.
        cure: what to change in a plugin that breaks it.
        run: tries it.
        is_static: True if it reads the plugin alone: its case has no trial, and needs no stand-in.
    """

    id: str
    proves: str
    cure: str
    run: Callable[[Case], None] = attrs.field(repr=False)
    is_static: bool = False


RULES: Final[dict[str, Rule]] = {}
"""Every rule by its id, in the order in which they are tried. `damlink.testing.rules` fills it."""


def rule(
    name: str,
    *,
    proves: str,
    cure: str,
    among: dict[str, Rule] = RULES,
    is_static: bool = False,
    **options: Any,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register the decorated function as a rule.

    The function takes the `Case`. It raises `BrokenRuleError` if the plugin breaks the rule, and
    `NotApplicableError` if there is nothing to try; any other error breaks the rule, too. It can be decorated
    several times, with other options.

    Args:
        name: the rule's id.
        proves: see `Rule`.
        cure: see `Rule`.
        among: the rules to which it is added.
        is_static: see `Rule`.
        options: further arguments of the function.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        if name in among:
            raise ValueError(f"two rules have the id {name}")
        among[name] = Rule(name, proves, cure, lambda case: function(case, **options), is_static)
        return function

    return register
