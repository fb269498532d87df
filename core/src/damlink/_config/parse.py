"""Tables of the config as settings objects. Every error names its place."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, TypeVar, cast

import attrs
import cattrs

from damlink._config.address import check_address
from damlink._config.opened import check_opened
from damlink._config.references import REFERENCE_KINDS
from damlink._config.settings import Field, fields_of
from damlink._config.values import CONVERTER, SECRET_FORM, value_text, words
from damlink._secret import Secret
from damlink._system.keepable import describe
from damlink._system.process import is_interrupt
from damlink._system.suggest import suggest
from damlink.errors import ConfigError, DamlinkError, PluginLoadError

__all__ = ["SecretOpener", "SecretRef", "Unopened", "check", "check_value", "parse"]

T = TypeVar("T")

SecretKind = Literal["env", "secret", "file"]


@attrs.frozen
class SecretRef:
    """Reference to a secret: an environment variable, a stored secret, or a file."""

    kind: SecretKind
    name: str


_WRONG: Final = (ValueError, TypeError, AttributeError, cattrs.BaseValidationError)


class Unopened(str):
    """Stand-in for a secret that is not opened: it need not fit its setting."""

    __slots__ = ()


SecretOpener = Callable[[SecretRef, str], str]
"""Opens a reference; the second argument is its place, for the error."""


def parse(settings_class: type[T], table: Mapping[str, Any], place: str, open_secret: SecretOpener) -> T:
    """Turn a table of the config into a settings object.

    A class may have a method `validate`, which yields pairs: the name of a setting, and what is wrong
    with it beside the others.

    Args:
        place: where the table stands, such as `damlink.toml: connectors.stock`.
        open_secret: opens the references of secrets.

    Raises:
        ConfigError: an unknown key, a missing one, or a value of the wrong kind, with its place.
    """
    values = _values(settings_class, table, place, open_secret)
    try:
        settings = settings_class(**values)
        _raise_problems(getattr(settings, "validate", tuple)(), place)
        return settings
    except ValueError as error:
        # A validator of the plugin's own: its text is meant for people.
        raise ConfigError(place, describe(error)) from error
    except DamlinkError:
        raise
    except BaseException as error:
        # Validators, converters and defaults are the plugin's code: only Ctrl-C has another cause.
        if is_interrupt(error):
            raise
        what = f"{settings_class.__module__}.{settings_class.__name__} raised {type(error).__name__}"
        hint = "report it to the plugin's author"
        raise PluginLoadError(f"{place}: {what}: {describe(error)}", hint=hint) from error


def _raise_problems(problems: Iterable[tuple[str, str]], place: str) -> None:
    """Raise one error for what a class's `validate` yields, with the place of each."""
    found = [(f"{place}.{name}", problem) for name, problem in problems]
    if found:
        (first, problem), *others = found
        raise ConfigError(first, "; ".join([problem, *(f"{each}: {what}" for each, what in others)]))


def check(settings_class: type[Any], table: Mapping[str, Any], place: str) -> None:
    """Check a table as `parse` does, as far as that goes without opening its secrets.

    Raises:
        ConfigError: an unknown key, a missing one, or a value of the wrong kind, with its place.
    """
    _values(settings_class, table, place, lambda ref, _place: Unopened(ref.name))


def check_value(field: Field, value: Any, place: str) -> None:
    """Check the value of one setting, as far as that goes without opening its secrets.

    Raises:
        ConfigError: it is of the wrong kind.
    """
    _value(field, value, place, lambda ref, _place: Unopened(ref.name))


def _values(
    settings_class: type[Any], table: Mapping[str, Any], place: str, open_secret: SecretOpener
) -> dict[str, Any]:
    fields = {field.name: field for field in fields_of(settings_class)}
    for key in table:
        if key not in fields:
            raise ConfigError(f"{place}.{key}", "unknown key", hint=suggest(key, fields))
    values = {}
    for field in fields.values():
        if field.name in table:
            values[field.name] = _value(field, table[field.name], f"{place}.{field.name}", open_secret)
        elif field.required:
            raise ConfigError(f"{place}.{field.name}", f"missing; expected {field.expects}")
    return values


def _value(field: Field, value: Any, place: str, open_secret: SecretOpener) -> Any:
    if field.type == tuple[Secret, ...]:
        return _secrets(value, place, open_secret)
    if field.type in (Secret, str) and isinstance(value, Mapping):
        return _open_text(field, open_secret(_secret_ref(value, place), place), place)
    try:
        parsed = check_address(field.name, CONVERTER.structure(value, field.type), place)
    except _WRONG as error:
        for suffix, part in _parts(value) if field.part_type else ():
            with contextlib.suppress(*_WRONG):
                CONVERTER.structure(part, field.part_type)
                continue
            raise _describe_unexpected(field, part, place, suffix) from error
        raise _describe_unexpected(field, value, place) from error
    of_list = field.part_type is not None
    written = _parts(value) if of_list else [("", value)]
    for (suffix, part), (_, each) in zip(written, _parts(parsed) if of_list else [("", parsed)], strict=True):
        if not field.allows(each):
            raise _describe_unexpected(field, part, place, suffix)
    return parsed


def _open_text(field: Field, text: str, place: str) -> Secret | str:
    """Return the value of a reference; it is not shown if it does not fit."""
    opened = check_opened(text, place)
    if not isinstance(text, Unopened) and not field.allows(opened):
        raise ConfigError(place, f"expected {field.expects}, and the text that it refers to is another")
    address: str = check_address(field.name, opened, place)
    return Secret(opened) if field.secret else address


def _parts(value: Any) -> list[tuple[str, Any]]:
    """Return the items of a list or the values of a table, each with its place in it."""
    if isinstance(value, Mapping):
        return [(f".{name}", each) for name, each in value.items()]
    if isinstance(value, list | tuple):
        return [(f"[{number}]", each) for number, each in enumerate(value)]
    return []


def _describe_unexpected(field: Field, value: Any, place: str, suffix: str = "") -> ConfigError:
    expected = field.part_expects if suffix else field.expects
    hint = "a secret never stands in the file" if field.secret else ""
    return ConfigError(
        f"{place}{suffix}", f"expected {expected}, got {_describe_value(value, field)}", hint=hint
    )


def _secrets(value: Any, place: str, open_secret: SecretOpener) -> tuple[Secret, ...]:
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        hint = "a secret never stands in the file"
        raise ConfigError(place, f"expected {words(tuple[Secret, ...])}", hint=hint)
    return tuple(Secret(check_opened(open_secret(_secret_ref(each, place), place), place)) for each in value)


def _describe_value(value: Any, field: Field) -> str:
    if field.secret:
        return "plain text"
    return repr(value) if isinstance(value, str) else value_text(value)


def _secret_ref(value: Mapping[str, Any], place: str) -> SecretRef:
    kind, name = next(iter(value.items()), ("", None))
    if len(value) != 1 or kind not in REFERENCE_KINDS or not isinstance(name, str):
        raise ConfigError(place, f"expected {SECRET_FORM}")
    return SecretRef(cast("SecretKind", kind), name)
