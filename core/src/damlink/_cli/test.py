"""`damlink test`: try the rules of the kit on an installed plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from damlink._cli._options import as_json
from damlink._cli._output import echo

if TYPE_CHECKING:
    from damlink.testing.runner import Result

_MARKS = {"passed": "ok", "broken": "FAILED", "skipped": "skipped"}


@click.command("test")
@click.argument("plugin")
@as_json
def command(plugin: str, json_: bool) -> int:
    """Test an installed plugin against its own stand-in: one line for each rule of the kit.

    It needs the distribution damlink-sandbox, and neither a config nor a portal. Nothing leaves this machine.
    """
    from damlink._cli._output import print_json
    from damlink.testing.runner import try_rules

    results = []
    for result in try_rules(plugin):
        results.append(result)
        if not json_:
            echo(result_line(result))
    broken = [result for result in results if result.outcome == "broken"]
    if json_:
        print_json(
            {"plugin": plugin, "passed": not broken, "rules": [result_record(each) for each in results]}
        )
    else:
        counts = {mark: sum(each.outcome == mark for each in results) for mark in _MARKS}
        words = ", ".join(f"{number} {mark}" for mark, number in counts.items() if number)
        echo(f"{plugin}: {words}", bold=True)
    return 1 if broken else 0


def result_line(result: Result) -> str:
    """Return one line on a rule: what it proves, or what was seen and what to do."""
    mark, rule = _MARKS[result.outcome], result.rule
    text = {
        "passed": rule.proves,
        "skipped": result.seen,
        "broken": f"{result.seen}; to do: {result.cure}",
    }[result.outcome]
    return f"{rule.id:23} {mark:8} {text}"


def result_record(result: Result) -> dict[str, Any]:
    """Return the result of a rule for a machine."""
    rule = result.rule
    return {
        "id": rule.id,
        "outcome": result.outcome,
        "proves": rule.proves,
        "seen": result.seen,
        "cure": result.cure,
        "seconds": round(result.seconds, 3),
    }
