"""Settings as a form, made from their declaration, and what a person has changed in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from damlink._config.edit import toml_value
from damlink._config.references import REFERENCE_KINDS, is_reference, reference_text
from damlink._config.settings import Field, plain
from damlink._config.values import item_of, value_text
from damlink._console.page import WrongRequestError
from damlink._secret import redact
from damlink._system.printable import printable

__all__ = ["Input", "describe_fields", "label_of", "read_changes"]

KeepSecret = Callable[[str, str], Mapping[str, str]]

_PREFIX: Final = "set."  # of the names of fields, so that no setting is taken for one of the form's own

_CAPITALS: Final = {
    "api": "API",
    "id": "ID",
    "oauth": "OAuth",
    "sha256": "SHA-256",
    "url": "URL",
    "urls": "URLs",
}


@attrs.frozen(kw_only=True)
class Input:
    """One field of a form.

    Attributes:
        label: the setting's name in words.
        kind: `choice`, `secret`, `lines` or `text`.
        text: what it shows; of a secret the reference, such as `env:NAME`.
        default: what holds where nothing is set, in words.
    """

    name: str
    setting: str
    label: str
    kind: str
    text: str
    default: str
    help: str
    expects: str
    required: bool
    advanced: bool
    choices: Sequence[str]


def describe_fields(
    fields: Iterable[Field], values: Mapping[str, Any], form: Mapping[str, str] | None = None
) -> list[Input]:
    """Return the form of some settings.

    Args:
        values: the present values, as in the config.
        form: what a person has typed that was not accepted; entered secrets are not shown again.
    """
    inputs = [_describe(field, values) for field in fields]
    # What was typed in place of a reference may be the secret itself.
    typed = {each.name: (form or {}).get(each.name, each.text) for each in inputs if each.kind != "secret"}
    return [attrs.evolve(each, text=typed.get(each.name, each.text)) for each in inputs]


def label_of(field: Field) -> str:
    """Return the name of a setting in words."""
    words = [_CAPITALS.get(word, word) for word in field.name.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def _describe(field: Field, values: Mapping[str, Any]) -> Input:
    default = plain(field.default)
    return Input(
        name=_PREFIX + field.name,
        setting=field.name,
        label=label_of(field),
        kind=_kind_of(field, _text_of(field, values)),
        text=_text_of(field, values),
        default="" if field.required or field.secret else value_text(default) or "none",
        help=field.help,
        expects=field.expects,
        required=field.required,
        advanced=field.advanced,
        choices=_choices_of(field),
    )


def _kind_of(field: Field, text: str) -> str:
    """Return the kind of the field that shows a text, and sends all of it back."""
    if field.secret:
        return "secret"
    if text in ("", *_choices_of(field)) and _choices_of(field):
        return "choice"
    is_long = "\n" in text or "\r" in text or len(text) > 100
    return "lines" if is_long or item_of(field.type) is str else "text"


def _choices_of(field: Field) -> Sequence[str]:
    return ("true", "false") if field.type is bool else tuple(map(str, field.choices))


def _text_of(field: Field, values: Mapping[str, Any]) -> str:
    """Return the text that the form shows for a value; empty if nothing is set."""
    if field.name not in values:
        return ""
    value = values[field.name]
    if is_reference(value):
        return reference_text(value)
    if field.secret:
        return ""
    return "\n".join(value) if _is_plain_list(value) else value_text(value)


def _is_plain_list(value: Any) -> bool:
    """Return whether each item of a list is a line of its own."""
    is_list = isinstance(value, list) and bool(value)
    return (
        is_list
        and all(isinstance(each, str) and each == each.strip() != "" for each in value)
        and all("\n" not in each and "\r" not in each and not each.startswith("[") for each in value)
    )


def read_changes(
    fields: Iterable[Field], values: Mapping[str, Any], form: Mapping[str, str], keep_secret: KeepSecret
) -> dict[str, Any]:
    """Return the values that a person has changed; `None` for a removed one.

    A field that shows what it showed before is unchanged, and so is one that is not sent, or an empty secret.

    Args:
        values: the values that the form has shown.
        keep_secret: stores an entered secret under the setting's name, and returns the reference to it.
    """
    changes: dict[str, Any] = {}
    for field in fields:
        given = form.get(_PREFIX + field.name)
        if field.secret and (typed := form.get(f"{_PREFIX}{field.name}.new", "")):
            changes[field.name] = dict(keep_secret(field.name, typed))
        elif given is not None and _as_sent(given) != _as_sent(_as_shown(_text_of(field, values))):
            changes[field.name] = _value_of(field, given)
    return {name: value for name, value in changes.items() if value is not None or name in values}


def _as_shown(text: str) -> str:
    """Return a text as pages show it: see `render`."""
    return printable(redact(text))


def _as_sent(text: str) -> str:
    """Return a text without what a browser does to line breaks, and a form to blanks at the ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _value_of(field: Field, text: str) -> Any:
    text = _as_sent(text)
    if not text:
        return None
    if field.secret:
        return _reference(field, text)
    if item_of(field.type) is str and not text.startswith("["):
        return [line.strip() for line in text.splitlines() if line.strip()]
    value = toml_value(text)
    return value if field.type is not str or isinstance(value, str | dict) else text


def _reference(field: Field, text: str) -> dict[str, str]:
    kind, colon, name = text.partition(":")
    if kind not in REFERENCE_KINDS or not colon or not name:
        forms = ", ".join(f"{each}:NAME" for each in REFERENCE_KINDS)
        raise WrongRequestError(f"{field.name} is a reference: one of {forms}")
    return {kind: name}
