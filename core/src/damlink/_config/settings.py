"""Declaration of settings, and all that is derived from it: parsing, schema, reference, questions."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal, TypeVar, cast

import attrs
import cattrs

from damlink._config.address import check_address
from damlink._config.duration import Duration
from damlink._config.opened import check_opened
from damlink._config.values import CONVERTER, SECRET_FORM, WORDS, value_text
from damlink._secret import Secret
from damlink._system.keepable import describe
from damlink._system.process import is_interrupt
from damlink._system.suggest import suggest
from damlink.errors import ConfigError, DamlinkError, PluginLoadError

__all__ = [
    "Field",
    "SecretOpener",
    "SecretRef",
    "Side",
    "check",
    "fields_of",
    "parse",
    "plain",
    "plain_field",
    "selection_of",
    "setting",
]

_METADATA: Final = "damlink"

T = TypeVar("T")
Side = Literal["source", "target"]


def setting(
    *,
    default: Any = attrs.NOTHING,
    help: str = "",  # noqa: A002 - the contract's word
    choices: Sequence[str] = (),
    selects: bool = False,
    advanced: bool = False,
    when: Mapping[str, Any] | None = None,
    confirm_empty: str = "",
    identifies: Side | None = None,
) -> Any:
    """Declare one setting of a plugin, as a field of its attrs settings class.

    Args:
        default: the value if it is not set; without one the setting is required.
        help: what it does, for the person who sets it; one or two sentences.
        choices: the only values allowed.
        selects: it decides what is listed, so that changing it lists again from the beginning.
        advanced: `damlink add` asks for it only with `--all`.
        when: values of other settings without which it has no effect, and is not asked for. True stands
            for any value, False for none, a tuple for any of its items.
        confirm_empty: what follows from leaving it empty, where that has to be confirmed.
        identifies: it says whose account it is, at the `source` or the `target`. Another source account
            is listed from the beginning; for another target account every finished asset is due again.
            Never a secret that is renewed. A setting that is empty says nothing.
    """
    metadata = {
        _METADATA: {
            "help": help,
            "choices": tuple(choices),
            "selects": selects,
            "advanced": advanced,
            "when": dict(when or {}),
            "confirm_empty": confirm_empty,
            "identifies": identifies,
        }
    }
    if isinstance(default, dict | list):
        raise TypeError("a default must not be mutable; use a tuple or a frozen mapping")
    return attrs.field(default=default, kw_only=True, metadata=metadata)


def plain_field(factory: Callable[[], Any]) -> Any:
    """Declare a field of a parsed table that is no setting, such as the place of the table."""
    return attrs.field(factory=factory, kw_only=True, metadata={_METADATA: None})


@attrs.frozen
class Field:
    """One setting, read back from its declaration."""

    name: str
    type: Any
    required: bool
    default: Any
    help: str
    choices: tuple[str, ...]
    selects: bool
    identifies: Side | None = None
    advanced: bool = False
    when: Mapping[str, Any] = attrs.field(factory=dict)
    confirm_empty: str = ""

    def applies(self, values: Mapping[str, Any]) -> bool:
        """Return whether it has an effect with these values of the other settings."""
        return all(_fits(values.get(name), wanted) for name, wanted in self.when.items())

    @property
    def secret(self) -> bool:
        """True if its value is never shown."""
        return self.type is Secret

    @property
    def expects(self) -> str:
        """The allowed values, in words."""
        return " or ".join(self.choices) if self.choices else WORDS.get(self.type, "a value")


def fields_of(settings_class: type[Any]) -> tuple[Field, ...]:
    """Return the settings of a class in the order of their declaration."""
    attrs.resolve_types(settings_class)
    declared = (each for each in attrs.fields(settings_class) if each.metadata.get(_METADATA, {}) is not None)
    return tuple(_field(attribute) for attribute in declared)


def _field(attribute: attrs.Attribute[Any]) -> Field:
    declared = attribute.metadata.get(_METADATA, {})
    return Field(
        name=attribute.name,
        type=_without_none(attribute.type),
        required=attribute.default is attrs.NOTHING,
        default=None if attribute.default is attrs.NOTHING else attribute.default,
        help=declared.get("help", ""),
        choices=declared.get("choices", ()),
        selects=declared.get("selects", False),
        advanced=declared.get("advanced", False),
        when=declared.get("when", {}),
        confirm_empty=declared.get("confirm_empty", ""),
        identifies=declared.get("identifies"),
    )


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool):
        return bool(value) is wanted
    return value in wanted if isinstance(wanted, tuple) else bool(value == wanted)


def _without_none(kind: Any) -> Any:
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind
    kinds = [each for each in typing.get_args(kind) if each is not type(None)]
    return kinds[0] if len(kinds) == 1 else kind


SecretKind = Literal["env", "secret", "file"]

# --- parsing ---------------------------------------------------------------------------------------


@attrs.frozen
class SecretRef:
    """Reference to a secret: an environment variable, a stored secret, or a file."""

    kind: SecretKind
    name: str


SecretOpener = Callable[[SecretRef, str], str]
"""Opens a reference; the second argument is its place, for the error."""


def parse(settings_class: type[T], table: Mapping[str, Any], place: str, open_secret: SecretOpener) -> T:
    """Turn a table of the config into a settings object.

    Args:
        place: where the table stands, such as `damlink.toml: connectors.stock`.
        open_secret: opens the references of secrets.

    Raises:
        ConfigError: an unknown key, a missing one, or a value of the wrong kind, with its place.
    """
    values = _values(settings_class, table, place, open_secret)
    try:
        return settings_class(**values)
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


def check(settings_class: type[Any], table: Mapping[str, Any], place: str) -> None:
    """Check a table as `parse` does, as far as that goes without opening its secrets.

    Raises:
        ConfigError: an unknown key, a missing one, or a value of the wrong kind, with its place.
    """
    _values(settings_class, table, place, lambda ref, _place: ref.name)


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
        text = check_opened(open_secret(_secret_ref(value, place), place), place)
        return Secret(text) if field.secret else check_address(field.name, text, place)
    try:
        parsed = check_address(field.name, CONVERTER.structure(value, field.type), place)
    except (ValueError, TypeError, AttributeError, cattrs.BaseValidationError) as error:
        wrong = f"expected {field.expects}, got {_describe_value(value, field)}"
        hint = "a secret never stands in the file" if field.secret else ""
        raise ConfigError(place, wrong, hint=hint) from error
    if field.choices and parsed not in field.choices:
        raise ConfigError(place, f"expected {field.expects}, got {parsed!r}")
    return parsed


def _secrets(value: Any, place: str, open_secret: SecretOpener) -> tuple[Secret, ...]:
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        hint = "a secret never stands in the file"
        raise ConfigError(place, f"expected {WORDS[tuple[Secret, ...]]}", hint=hint)
    return tuple(Secret(check_opened(open_secret(_secret_ref(each, place), place), place)) for each in value)


def _describe_value(value: Any, field: Field) -> str:
    if field.secret:
        return "plain text"
    return repr(value) if isinstance(value, str) else value_text(value)


def _secret_ref(value: Mapping[str, Any], place: str) -> SecretRef:
    kind, name = next(iter(value.items()), ("", None))
    if len(value) != 1 or kind not in ("env", "secret", "file") or not isinstance(name, str):
        raise ConfigError(place, f"expected {SECRET_FORM}")
    return SecretRef(cast("SecretKind", kind), name)


# --- values for other uses -------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """Return a setting's value in a form that JSON can hold; a secret stays redacted."""
    if isinstance(value, Duration | date | Secret):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    return value


def selection_of(settings: Any) -> dict[str, Any]:
    """Return the settings that decide what is listed, by name."""
    selecting = (field.name for field in fields_of(type(settings)) if field.selects)
    return {name: plain(getattr(settings, name)) for name in selecting}
