"""Editing of a table of the config, by options or in a dialogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from damlink._cli._output import echo, echo_text, print_table
from damlink._cli._questions import TAKE_OUT, Interview, reference_text
from damlink._cli._setup import Draft
from damlink._cli._terminal import is_terminal
from damlink._config.edit import ConfigFile
from damlink._config.settings import Field, plain
from damlink._config.values import value_text
from damlink.errors import ConfigError, DamlinkError

__all__ = ["change"]

# The plugin decides which settings exist: with another plugin it is another connector.
FIXED: Final = ("plugin",)


def change(draft: Draft, interviews: Sequence[Interview], values: Mapping[str, Any]) -> None:
    """Change a table by the given values, or in a dialogue if there are none.

    Raises:
        click.UsageError: there are no values, and there is no terminal.
    """
    if not values and not is_terminal():
        raise click.UsageError("give --set KEY=VALUE or --unset KEY")
    file = draft.attempt(values) if values else _ask(draft, interviews)
    draft.write(file)


def _ask(draft: Draft, interviews: Sequence[Interview]) -> ConfigFile:
    before = [dict(interview.values) for interview in interviews]
    _show(interviews)
    while True:
        _choose(interviews)
        try:
            return draft.attempt(_changes(interviews, before))
        except DamlinkError as error:
            echo_text(f"\n{error}", err=True, fg="red")
            if not click.confirm("Change it again?", default=True, err=True):
                raise


def _changes(interviews: Sequence[Interview], before: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the changed values; `None` for a removed one."""
    changes: dict[str, Any] = {}
    for interview, old in zip(interviews, before, strict=True):
        changes |= dict.fromkeys(old.keys() - interview.values.keys())
        changes |= {key: value for key, value in interview.values.items() if old.get(key) != value}
    return changes


def _show(interviews: Sequence[Interview]) -> None:
    rows = [
        (name, _value(field, interview.values), "" if name in interview.values else "default")
        for interview in interviews
        for name, field in interview.fields.items()
        if name not in FIXED
    ]
    print_table(("setting", "value", ""), rows, err=True)
    echo_text(f"\nEnter keeps a value, {TAKE_OUT} removes it.", err=True)


def _value(field: Field, values: Mapping[str, Any]) -> str:
    value = values.get(field.name, plain(field.default))
    return reference_text(value) if field.secret and value else value_text(value) or "none"


def _choose(interviews: Sequence[Interview]) -> None:
    """Ask for the settings that the administrator names, until none is named."""
    owners = {name: interview for interview in interviews for name in interview.fields if name not in FIXED}
    choice = click.Choice([*owners, ""])
    while name := click.prompt(
        "\nsetting (Enter when done)",
        type=choice,
        default="",
        show_choices=False,
        show_default=False,
        err=True,
    ):
        try:
            owners[name].ask([name])
        except ConfigError as error:
            echo(str(error), err=True, fg="red")
