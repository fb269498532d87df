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
            _show(result)
    broken = [result for result in results if result.outcome == "broken"]
    if json_:
        print_json({"plugin": plugin, "passed": not broken, "rules": [_as_json(each) for each in results]})
    else:
        counts = {mark: sum(each.outcome == mark for each in results) for mark in _MARKS}
        words = ", ".join(f"{number} {mark}" for mark, number in counts.items() if number)
        echo(f"{plugin}: {words}", bold=True)
    return 1 if broken else 0


def _show(result: Result) -> None:
    mark, rule = _MARKS[result.outcome], result.rule
    text = {
        "passed": rule.proves,
        "skipped": result.seen,
        "broken": f"{result.seen}; to do: {rule.cure}",
    }[result.outcome]
    echo(f"{rule.id:22} {mark:8} {text}")


def _as_json(result: Result) -> dict[str, Any]:
    rule = result.rule
    return {
        "id": rule.id,
        "outcome": result.outcome,
        "proves": rule.proves,
        "seen": result.seen,
        "cure": rule.cure if result.outcome == "broken" else "",
        "seconds": round(result.seconds, 3),
    }
