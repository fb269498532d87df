"""Dialogue about settings. Each answer is checked at once; an invalid one is asked for again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import click

from damlink._cli._output import echo, echo_text
from damlink._cli._typed import entry_of, is_list, is_table, value_of
from damlink._config.parse import SecretRef, parse
from damlink._config.references import is_reference
from damlink._config.settings import Field, fields_of, plain
from damlink._config.values import value_text
from damlink._run.draft import UNKNOWN
from damlink.errors import ConfigError

__all__ = ["TAKE_OUT", "Interview", "reference_text"]

TAKE_OUT: Final = "-"
KeepSecret = Callable[[str, str], dict[str, str]]


class Interview:
    """Dialogue about the settings of one class.

    Args:
        values: the present values, as in the config. Answers are added to it.
        keep_secret: stores a secret under the setting's name, and returns the reference to it.
    """

    def __init__(self, settings_class: type[Any], values: Mapping[str, Any], keep_secret: KeepSecret) -> None:
        self.fields = {field.name: field for field in fields_of(settings_class)}
        self.values = dict(values)
        self._class = settings_class
        self._keep_secret = keep_secret

    @property
    def is_complete(self) -> bool:
        """True if no required setting is missing or invalid."""
        return self._problem(self.values) is None

    def unset(self, *, advanced: bool) -> list[str]:
        """Return the names of the settings to ask for."""
        fields = (field for field in self.fields.values() if advanced or not field.advanced)
        return [field.name for field in fields if field.name not in self.values]

    def check(self, pending: Iterable[str]) -> None:
        """Check the present values.

        Args:
            pending: the settings that will be asked for later.

        Raises:
            ConfigError: a value is invalid that no later answer can correct.
        """
        error = self._problem_beside(set(pending))
        if error is not None:
            raise error

    def empty_warnings(self) -> Iterator[str]:
        """Yield the consequences of the settings that are left empty."""
        for field in self.fields.values():
            if field.confirm_empty and not self.values.get(field.name):
                yield field.confirm_empty

    def ask(self, names: Iterable[str]) -> None:
        """Ask for settings in the order of their declaration; skip those without effect.

        Raises:
            ConfigError: a value is invalid that is not asked for.
        """
        wanted = set(names)
        pending = [name for name in self.fields if name in wanted]
        asked: list[str] = []
        while pending:
            name = pending.pop(0)
            if not self.fields[name].applies(self._in_effect()):
                continue
            self._ask(self.fields[name])
            asked = [*(each for each in asked if each != name), name]
            error = self._problem_beside(set(pending))
            if error is not None:
                again = [each for each in asked if each in self._find_mentioned(error)]
                if not again:
                    raise error
                _say(str(error))
                pending = again + pending

    def _ask(self, field: Field) -> None:
        echo_text(f"\n{field.help}", err=True)
        while True:
            answer = self._answer(field)
            if answer or not field.confirm_empty or _confirm_empty(field):
                break
        if answer is None or (not field.required and answer == plain(field.default)):
            self.values.pop(field.name, None)
        else:
            self.values[field.name] = answer

    def _answer(self, field: Field) -> Any:
        current = self.values.get(field.name, plain(field.default))
        if field.secret:
            return self._secret(field)
        if field.type is bool:
            return click.confirm(field.name, default=bool(current), err=True)
        if is_list(field):
            return _items(field, current or [])
        if is_table(field):
            return _entries(field, current or {})
        return _text(field, current)

    def _secret(self, field: Field) -> Any:
        current = self.values.get(field.name)
        kept = f" (Enter keeps {reference_text(current)})" if current else ""
        text = click.prompt(f"{field.name}{kept}", hide_input=True, default="", show_default=False, err=True)
        if text == TAKE_OUT and not field.required:
            return None
        if not text:
            return current if current or not field.required else self._secret(field)
        value = value_of(None, text)
        return value if is_reference(value) else self._keep_secret(field.name, text)

    def _in_effect(self) -> dict[str, Any]:
        return {name: field.default for name, field in self.fields.items()} | self.values

    def _problem_beside(self, pending: set[str]) -> ConfigError | None:
        """Return the error in the present values, unless a later answer may correct it."""
        error = self._problem(self._values_with_placeholders())
        mentioned = self._find_mentioned(error) if error else set()
        return error if mentioned and not mentioned & pending else None

    def _problem(self, values: Mapping[str, Any]) -> ConfigError | None:
        try:
            parse(self._class, values, "", _use_placeholder)
        except ConfigError as error:
            return ConfigError("", str(error).removeprefix(": ").removeprefix("."))
        return None

    def _values_with_placeholders(self) -> dict[str, Any]:
        """Return the values, with placeholders for missing required ones."""
        missing = (each for each in self.fields.values() if each.required and each.name not in self.values)
        return {field.name: _placeholder(field) for field in missing} | self.values

    def _find_mentioned(self, error: ConfigError) -> set[str]:
        words = set(re.findall(r"\w+", str(error)))
        return words & self.fields.keys()


def reference_text(value: Any) -> str:
    """Return a reference to a secret as on the command line, such as `env:TOKEN`."""
    return ":".join(next(iter(value.items()))) if isinstance(value, Mapping) and value else "what is set"


def _use_placeholder(_reference: SecretRef, _place: str) -> str:
    return UNKNOWN


def _placeholder(field: Field) -> Any:
    if field.choices:
        return field.choices[0]
    return (
        {"env": "PLACEHOLDER"}
        if field.secret
        else {str: "placeholder", int: 1, float: 1.0}.get(field.type, "")
    )


def _confirm_empty(field: Field) -> bool:
    return click.confirm(f"{field.confirm_empty} Is that meant?", default=False, err=True)


def _say(text: str) -> None:
    echo(text, err=True, fg="red")


def _text(field: Field, current: Any) -> Any:
    default = None if current is None and field.required else value_text(current)
    text = str(
        click.prompt(
            field.name,
            default=default,
            show_default=bool(default),
            type=click.Choice(field.choices) if field.choices else None,
            err=True,
        )
    )
    if text == TAKE_OUT and not field.required:
        return None
    if text == default:
        return current
    return value_of(field, text) if text else None


def _items(field: Field, current: list[str]) -> list[str]:
    """Ask for the items of a list, one after the other."""
    first = _line(f"{field.name}, one a line", value_text(current) if current else "")
    if first is None:
        return current
    if first == TAKE_OUT:
        return []
    whole = value_of(field, first)
    if isinstance(whole, list):
        return whole
    items = [whole if isinstance(whole, str) else first]
    while (text := _line("the next one (Enter ends)", "")) is not None:
        items.append(text)
    return items


def _entries(field: Field, current: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for the entries of a table, one after the other."""
    entries: dict[str, Any] = {}
    prompt = f"{field.name}, one NAME = VALUE a line"
    shown = value_text(current) if current else ""
    while (text := _line(prompt, shown)) is not None:
        if text == TAKE_OUT:
            return {}
        whole = value_of(field, text)
        if isinstance(whole, Mapping):
            return dict(whole)
        try:
            entries |= [entry_of(text)]
        except click.BadParameter as error:
            _say(str(error))
            continue
        prompt, shown = "the next one (Enter ends)", ""
    return entries or dict(current)


def _line(prompt: str, shown: str) -> str | None:
    """Ask for one line; return `None` for an empty answer."""
    text = str(click.prompt(prompt, default=shown, show_default=bool(shown), err=True))
    return None if text == shown else text
