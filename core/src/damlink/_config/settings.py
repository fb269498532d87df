"""Declaration of settings: parsing, schema, reference and questions are derived from it."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, Literal, TypeVar

import attrs

from damlink._config.duration import Duration
from damlink._config.values import choices_of, item_of, value_of, words
from damlink._secret import Secret

__all__ = [
    "Field",
    "Side",
    "fields_of",
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
    choices: Sequence[str | int] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    pattern: str = "",
    selects: bool = False,
    advanced: bool = False,
    when: Mapping[str, Any] | None = None,
    confirm_empty: str = "",
    identifies: Side | None = None,
) -> Any:
    """Declare one setting of a plugin, as a field of its attrs settings class.

    Choices, limits and the pattern of a list are those of each item, and of a table those of each value.

    Args:
        default: the value if it is not set; without one the setting is required.
        help: what it does, for the person who sets it; one or two sentences.
        choices: the only values allowed. A type `Literal["a", "b"]` says the same.
        minimum: of a number, or of a duration in seconds.
        maximum: likewise.
        pattern: a regular expression that the whole text fits.
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
            "minimum": minimum,
            "maximum": maximum,
            "pattern": pattern,
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
    choices: tuple[str | int, ...]
    selects: bool
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""
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
    def part_type(self) -> Any:
        """Type of a list's items or of a table's values, if it has one."""
        kind = item_of(self.type) or value_of(self.type)
        return None if kind is Any else kind

    @property
    def expects(self) -> str:
        """The allowed values, in words."""
        if self.choices and self.part_type:
            what = "list" if item_of(self.type) else "table"
            return f"a {what} of values, each {' or '.join(map(str, self.choices))}"
        return self._expects(self.type)

    @property
    def part_expects(self) -> str:
        """The allowed items of a list, or values of a table, in words."""
        return self._expects(self.part_type)

    def _expects(self, kind: Any) -> str:
        if self.choices:
            return " or ".join(map(str, self.choices))
        least = "" if self.minimum is None else f"at least {self.minimum:g}"
        most = "" if self.maximum is None else f"at most {self.maximum:g}"
        limits = " and ".join(filter(None, (least, most)))
        form = f"of the form {self.pattern}" if self.pattern else ""
        return ", ".join(filter(None, (words(kind), limits, form)))

    def allows(self, value: Any) -> bool:
        """Return whether a value, or a part of one, keeps to the choices, the limits and the form."""
        if self.choices and value not in self.choices:
            return False
        number = value.total_seconds() if isinstance(value, timedelta) else value
        if self.minimum is not None and number < self.minimum:
            return False
        if self.maximum is not None and number > self.maximum:
            return False
        return not self.pattern or re.fullmatch(self.pattern, value) is not None


def fields_of(settings_class: type[Any]) -> tuple[Field, ...]:
    """Return the settings of a class in the order of their declaration."""
    attrs.resolve_types(settings_class)
    declared = (each for each in attrs.fields(settings_class) if each.metadata.get(_METADATA, {}) is not None)
    return tuple(_field(attribute) for attribute in declared)


def _field(attribute: attrs.Attribute[Any]) -> Field:
    declared = attribute.metadata.get(_METADATA, {})
    kind = _without_none(attribute.type)
    return Field(
        name=attribute.name,
        type=kind,
        required=attribute.default is attrs.NOTHING,
        default=None if attribute.default is attrs.NOTHING else attribute.default,
        help=declared.get("help", ""),
        choices=declared.get("choices") or choices_of(kind),
        minimum=declared.get("minimum"),
        maximum=declared.get("maximum"),
        pattern=declared.get("pattern", ""),
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


def plain(value: Any) -> Any:
    """Return a setting's value in a form that JSON can hold; a secret stays redacted."""
    if isinstance(value, timedelta):
        return str(Duration(value.total_seconds()))
    if isinstance(value, Duration | date | Secret):
        return str(value)
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    return value


def selection_of(settings: Any) -> dict[str, Any]:
    """Return the settings that decide what is listed, by name."""
    selecting = (field.name for field in fields_of(type(settings)) if field.selects)
    return {name: plain(getattr(settings, name)) for name in selecting}
