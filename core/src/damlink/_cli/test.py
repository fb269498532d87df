"""`damlink test`: try the rules of the kit on an installed plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from damlink._cli._options import as_json, rule_option, with_new_config
from damlink._cli._output import echo

if TYPE_CHECKING:
    from damlink.testing.rule import Rule
    from damlink.testing.runner import Result

F = TypeVar("F", bound=Callable[..., Any])

_MARKS = {"passed": "ok", "broken": "FAILED", "skipped": "skipped", "not tried": "not tried"}


def _file(name: str, help_: str) -> Callable[[F], F]:
    path = click.Path(path_type=Path, dir_okay=False)
    return click.option(name, type=path, metavar="FILE", help=help_)


@click.command("test")
@click.argument("plugin")
@_file("--record", "Call the hooks that only read against the real partner, and write what is exchanged.")
@_file("--replay", "Call the same hooks with the answers of a recording, without a network.")
@_file(
    "--drift", "Call them against the real partner once more, and name the fields of answers that changed."
)
@click.option("--connector", metavar="NAME", help="Record this connector, if several have the plugin.")
@click.option(
    "--assets",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="Record the listing of so many assets at most.",
)
@click.option(
    "--allow",
    default="",
    metavar="PATTERN",
    help="Record the requests whose `METHOD /path` has this regular expression, too: they only read.",
)
@rule_option
@as_json
@with_new_config
def command(plugin: str, names: Sequence[str], json_: bool, config_path: Path | None, **options: Any) -> int:
    """Test an installed plugin against its own stand-in: one line for each rule of the kit.

    It needs the distribution damlink-sandbox, and neither a config nor a portal. Nothing leaves this machine.

    With `--record` and `--drift` the plugin is called against the real partner, by its connector in the
    config. Only requests that read are sent. Secrets are not written. `--replay` needs the file alone.
    """
    given = [name for name in ("record", "replay", "drift") if options[name]]
    alone = [*given, *(["rule"] if names else [])]
    if len(alone) > 1:
        raise click.UsageError(f"--{alone[0]} and --{alone[1]} exclude each other")
    if given:
        from damlink._cli import _recorded

        return int(getattr(_recorded, given[0])(plugin, config_path, json_=json_, **options))
    return _try_rules(plugin, names, json_=json_)


def _try_rules(plugin: str, names: Sequence[str], *, json_: bool) -> int:
    from damlink._cli._output import end_now, print_json
    from damlink.testing.rules import all_rules
    from damlink.testing.runner import drop_left, try_rules

    results: list[Result] = []
    for result in try_rules(plugin, choose_rules(all_rules(), names)):
        if not json_:
            echo(result_line(result, results))
        results.append(result)
    broken = [result for result in results if result.outcome == "broken"]
    if json_:
        print_json(
            {"plugin": plugin, "passed": not broken, "rules": [result_record(each) for each in results]}
        )
    else:
        counts = {mark: sum(each.outcome == mark for each in results) for mark in _MARKS}
        words = ", ".join(f"{number} {mark}" for mark, number in counts.items() if number)
        echo(f"{plugin}: {words}", bold=True)
    code = 1 if broken else 0
    if drop_left():
        end_now(code)
    return code


def choose_rules(rules: Iterable[Rule], names: Sequence[str]) -> list[Rule]:
    """Return the rules of `--rule`.

    Raises:
        click.UsageError: there is no such rule.
    """
    from damlink.testing.rules import UnknownRuleError, select_rules

    try:
        return select_rules(rules, names)
    except UnknownRuleError as error:
        raise click.UsageError(f"{error}; {error.hint}") from error


def result_line(result: Result, earlier: Iterable[Result] = ()) -> str:
    """Return one line on a rule: what it proves, or what was seen and what to do.

    Args:
        earlier: results before it: what one of them has seen as well is not said again.
    """
    mark, rule = _MARKS[result.outcome], result.rule
    first = next((each.rule.id for each in earlier if each.seen == result.seen), "")
    if result.outcome == "broken" and first:
        return f"{rule.id:23} {mark:9} for the same cause as {first}"
    text = {
        "passed": rule.proves,
        "skipped": result.seen,
        "not tried": result.seen,
        "broken": f"{result.seen}; to do: {result.cure}",
    }[result.outcome]
    return f"{rule.id:23} {mark:9} {text}"


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
