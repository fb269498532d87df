"""`damlink grade`: try the rules on an installed plugin, and give it a grade."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from damlink._cli._options import as_json, rule_option
from damlink._cli._output import echo
from damlink._plugin.discovery import find
from damlink._plugin.grades import keep_grade
from damlink._system.whole_file import replacing
from damlink.errors import ConfigError

if TYPE_CHECKING:
    from damlink.testing.grade import Graded

# Of the badge, from the lowest grade to the highest. `damlink.testing.grade` takes long to import.
_COLOURS: Final = {
    "none": "#9e9e9e",
    "bronze": "#8c5a2b",
    "silver": "#6b7580",
    "gold": "#9a7400",
    "platinum": "#3b5f7d",
}
_GRADES: Final = tuple(_COLOURS)
# The process still starts and ends within two minutes.
_TIMEOUT_SECONDS: Final = 105
NOT_GRADED: Final = 6


@click.command("grade")
@click.argument("plugin")
@click.option("--badge", type=click.Path(path_type=Path, dir_okay=False), help="Write the grade as an SVG.")
@click.option("--at-least", type=click.Choice(_GRADES[1:]), help="End with 1 below this grade.")
@click.option(
    "--timeout",
    type=click.IntRange(1),
    default=_TIMEOUT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Limit of all rules together. What has not been tried by then is not tried.",
)
@rule_option
@as_json
def command(
    plugin: str,
    badge: Path | None,
    at_least: str | None,
    timeout: int,
    names: Sequence[str],
    json_: bool,
) -> int:
    """Grade an installed plugin: bronze, silver, gold or platinum.

    Each rule is tried against the plugin's stand-in, within two minutes. A grade needs every rule of its
    level and of those below. `damlink plugins` shows the last one. It needs the distribution damlink-sandbox,
    and neither a config nor a portal. With `--rule` only these rules are tried, and there is no grade.

    If there is no time for a rule, as on a busy machine, and the other rules do not decide the grade, the
    plugin is not graded: the grade that is certain is named, no grade is kept, no badge is written, and the
    command ends with 6.
    """
    from damlink._cli._output import end_now
    from damlink._cli.test import choose_rules, result_line
    from damlink.testing.grade import grade_of, list_graded_rules, try_graded
    from damlink.testing.runner import drop_left

    if names and (badge or at_least):
        raise click.UsageError(f"--rule and {'--badge' if badge else '--at-least'} exclude each other")
    graded: list[Graded] = []
    rules = choose_rules((rule for _, rule in list_graded_rules()), names)
    for each in try_graded(plugin, timeout, rules):
        if not json_:
            echo(f"{each.level:9} {result_line(each.result, [other.result for other in graded])}")
        graded.append(each)
    if names:
        _report_rules(plugin, graded, json_=json_)
        code = _code_of_rules(graded)
    else:
        grade = grade_of(graded)
        _keep_and_write(plugin, grade, badge)
        _report(plugin, grade, graded, json_=json_)
        code = _code(grade, at_least)
    if drop_left():
        end_now(code)
    return code


def _keep_and_write(plugin: str, grade: str | None, badge: Path | None) -> None:
    if grade is not None:
        _keep(plugin, grade)
        if badge is not None:
            _write(badge, _badge(grade))


def _report_rules(plugin: str, graded: Sequence[Graded], *, json_: bool) -> None:
    """Write the results of some rules, which give no grade."""
    if json_:
        _print_results(plugin, None, graded)
    else:
        count = f"{len(graded)} rule{'' if len(graded) == 1 else 's'}"
        echo(f"{plugin}: {count} tried alone, which give no grade", bold=True)


def _code_of_rules(graded: Sequence[Graded]) -> int:
    outcomes = {each.result.outcome for each in graded}
    return 1 if "broken" in outcomes else NOT_GRADED if "not tried" in outcomes else 0


def _print_results(plugin: str, grade: str | None, graded: Sequence[Graded], **more: str) -> None:
    from damlink._cli._output import print_json
    from damlink._cli.test import result_record

    rules = [{"level": each.level, **result_record(each.result)} for each in graded]
    print_json({"plugin": plugin, "grade": grade, "rules": rules, **more})


def _report(plugin: str, grade: str | None, graded: Sequence[Graded], *, json_: bool) -> None:
    from damlink.testing.grade import NONE, proven_grade

    proven = proven_grade(graded)
    if json_:
        _print_results(plugin, grade, graded, proven=proven)
    untried = sum(each.result.outcome == "not tried" for each in graded)
    if grade is None:
        cure = "run again on a quieter machine or with --timeout"
        count = f"{untried} rule{'' if untried == 1 else 's'}"
        certain = "" if proven == NONE else f"{proven} or better, but "
        echo(f"{plugin}: not graded: {certain}no time for {count}; {cure}", bold=True, err=json_)
    elif not json_:
        echo(f"{plugin}: {grade}", bold=True)


def _code(grade: str | None, at_least: str | None) -> int:
    if grade is None:
        return NOT_GRADED
    return 1 if _GRADES.index(grade) < _GRADES.index(at_least or _GRADES[0]) else 0


def _keep(plugin: str, grade: str) -> None:
    try:
        keep_grade(find(plugin), grade)
    except OSError as error:
        echo(f"`damlink plugins` will not show the grade: {error}", err=True)


def _write(path: Path, text: str) -> None:
    try:
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise ConfigError("--badge", str(error), hint="choose another file") from error


def _badge(grade: str) -> str:
    """Return a picture of the grade, which needs no font and no address."""
    colour = _COLOURS[grade]
    font = 'fill="#fff" font-family="Verdana,Geneva,sans-serif" font-size="11" text-anchor="middle"'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="130" height="20" role="img" '
        f'aria-label="damlink: {grade}"><title>damlink: {grade}</title>'
        f'<rect width="60" height="20" fill="#444"/><rect x="60" width="70" height="20" fill="{colour}"/>'
        f'<g {font}><text x="30" y="14">damlink</text><text x="95" y="14">{grade}</text></g></svg>\n'
    )
