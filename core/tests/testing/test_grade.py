"""Grade of a plugin, from the results of its rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from damlink._cli.grade import command
from damlink._cli.test import result_line
from damlink._plugin.discovery import find
from damlink._plugin.grades import last_grade
from damlink.testing.grade import LEVELS, Graded, grade_of, list_graded_rules, proven_grade
from damlink.testing.grade_rules import GRADE_RULES
from damlink.testing.rules import all_rules
from damlink.testing.runner import Result

OURS = ("istock", "imatag", "gelato", "folder")


def results(broken: str = "", untried: str = "") -> list[Graded]:
    """Every rule passed, but the first one of a level is broken, and the last one of a level is not tried."""
    rules = [*list_graded_rules()]
    first = next((rule.id for level, rule in rules if level == broken), "")
    last = next((rule.id for level, rule in reversed(rules) if level == untried), "")
    outcomes = {first: "broken", last: "not tried"}
    return [
        Graded(level, Result(rule, outcomes.get(rule.id, "passed"), "", 0.0))
        for level, rule in list_graded_rules()
    ]


def test_rules_when_listed_have_one_level_each() -> None:
    assert sorted(rule.id for _, rule in list_graded_rules()) == sorted(
        each.id for each in [*all_rules(), *GRADE_RULES.values()]
    )


@pytest.mark.parametrize(("level", "grade"), list(zip(LEVELS, ("none", *LEVELS), strict=False)), ids=LEVELS)
def test_grade_when_a_rule_of_a_level_is_broken_is_the_level_below(level: str, grade: str) -> None:
    assert grade_of(results(level)) == grade


def test_grade_when_no_rule_is_broken_is_the_highest() -> None:
    assert grade_of(results()) == "platinum"


@pytest.mark.parametrize(
    ("broken", "untried", "grade"),
    [
        ("", "bronze", None),
        ("", "platinum", None),
        ("gold", "silver", None),
        ("gold", "gold", "silver"),
        ("silver", "platinum", "bronze"),
    ],
)
def test_grade_when_a_rule_was_not_tried_is_given_only_if_others_decide_it(
    broken: str, untried: str, grade: str | None
) -> None:
    assert grade_of(results(broken, untried)) == grade


@pytest.mark.parametrize(
    ("broken", "untried", "grade"),
    [
        ("", "", "platinum"),
        ("", "bronze", "none"),
        ("", "silver", "bronze"),
        ("", "platinum", "gold"),
        ("silver", "platinum", "bronze"),
        ("bronze", "", "none"),
    ],
)
def test_proven_grade_when_a_rule_was_not_tried_is_what_is_certain(
    broken: str, untried: str, grade: str
) -> None:
    assert proven_grade(results(broken, untried)) == grade


def test_line_when_an_earlier_rule_has_seen_the_same_names_that_rule() -> None:
    first, second, third = (rule for _, rule in list_graded_rules()[:3])
    earlier = [Result(first, "passed", "", 1.0), Result(second, "broken", "no token", 1.0, "do this")]
    assert result_line(earlier[1], earlier[:1]).endswith("no token; to do: do this")
    again = result_line(Result(third, "broken", "no token", 1.0, "do this"), earlier)
    assert again.endswith(f"for the same cause as {second.id}")


# Each takes half a minute on a quiet machine, and the grade itself ends after two.
@pytest.mark.acceptance
@pytest.mark.parametrize("plugin", OURS)
def test_grade_of_a_plugin_of_ours_is_platinum_written_as_a_badge_and_kept(
    plugin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAMLINK_STATE_DIR", str(tmp_path))
    badge = tmp_path / "badge.svg"
    done = CliRunner().invoke(
        command, [plugin, "--badge", str(badge), "--at-least", "platinum"], standalone_mode=False
    )
    assert done.return_value == 0
    assert done.stdout.splitlines()[-1] == f"{plugin}: platinum"
    assert "damlink: platinum" in badge.read_text()
    assert last_grade(find(plugin)) == "platinum"
