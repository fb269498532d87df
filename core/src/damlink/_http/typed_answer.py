"""JSON of an answer as typed records: each value is checked once, where it comes in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, Final, TypeVar, get_origin

import attrs
import cattrs
import httpx
from cattrs import AttributeValidationNote
from cattrs.cols import list_structure_factory
from cattrs.gen import make_dict_structure_fn, override

from damlink.errors import TransientError

__all__ = ["JSON_NAME", "read_as"]

# Key of a field's metadata: its name in the JSON, if that is another one.
JSON_NAME: Final = "json"

T = TypeVar("T")
_Hook = Callable[[Any, Any], Any]

_KINDS: Final[dict[type, str]] = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}
_TIMES: Final = {datetime: "a time such as 2026-01-31T12:00:00Z", date: "a date such as 2026-01-31"}


def read_as(response: httpx.Response, kind: type[T], field: str | Sequence[str] = ()) -> T:
    """Return the JSON of an answer as a type: an attrs class, or a list of them.

    A field of an attrs class is `str`, `int`, `float`, `bool`, `datetime`, `date`, another attrs class, a
    list or tuple of one type, a `dict`, `Any`, or one of these or `None`. A number is accepted as text, since
    ids are often numbers, and a whole number as a `float`. A field with a default may be missing, and a field
    of the JSON that the class does not name is ignored. A field with another name in the JSON says so:
    `changed: str = attrs.field(metadata={"json": "changedAt"})`.

    Args:
        response: answer of the partner.
        kind: such as `list[Item]`.
        field: name of the field that contains it; several names lead to a field within a field. None: all
            of the JSON.

    Raises:
        TransientError: the answer is no JSON, or has another form; it names the field and no value.
    """
    names = (field,) if isinstance(field, str) else tuple(field)
    try:
        value = _enter(json.loads(response.content), names)
        return _converter().structure(value, kind)
    except (ValueError, RecursionError, _WrongFormError, cattrs.BaseValidationError) as error:
        request = response.request
        what = f"the answer of {request.url.host} to {request.method} {request.url.path} cannot be read"
        raise TransientError(f"{what}: {_problem(error, '.'.join(names))}") from error


class _WrongFormError(Exception):
    """A value has another form than its type. The text continues a sentence that begins with its place."""


def _enter(value: Any, names: Sequence[str]) -> Any:
    """Return the value of a field within fields."""
    for depth, name in enumerate(names):
        if not isinstance(value, dict) or name not in value:
            raise _WrongFormError(f"has no field {'.'.join(names[: depth + 1])}")
        value = value[name]
    return value


def _problem(error: BaseException, place: str) -> str:
    """Return the first problem of an answer in one line, and how many more there are."""
    if isinstance(error, _WrongFormError) and str(error).startswith("has no field"):
        return f"it {error}"
    if isinstance(error, ValueError | RecursionError):
        return "it is no JSON"
    first, *others = cattrs.transform_error(error, path=place, format_exception=_say)
    said, _, at = first.rpartition(" @ ")
    more = f", and {len(others)} more" if others else ""
    return f"{at.removeprefix('.') or 'it'} {said}{more}"


def _say(error: BaseException, kind: type | None) -> str:
    if isinstance(error, KeyError):
        return "is missing"
    if isinstance(error, _WrongFormError):
        return str(error)
    if isinstance(error, ValueError):
        # A validator of the class: its text is meant for people.
        return f"is refused: {error}"
    return f"is no {getattr(kind, '__name__', kind)}"


# --- converter -------------------------------------------------------------------------------------


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    for kind, hook in ((str, _text), (int, _whole), (float, _number), (bool, _flag)):
        converter.register_structure_hook(kind, hook)
    for moment in _TIMES:
        converter.register_structure_hook(moment, _moment)
    converter.register_structure_hook_factory(_is_list, lambda kind: _list_hook(kind, converter))
    converter.register_structure_hook_factory(attrs.has, lambda kind: _object_hook(kind, converter))
    return converter


def _expect(value: Any, expected: str) -> _WrongFormError:
    return _WrongFormError(f"is {_KINDS.get(type(value), 'a value')}, not {expected}")


def _text(value: Any, _: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _expect(value, "text")
    return str(value)


def _whole(value: Any, _: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise _expect(value, "a whole number")
    return int(value)


def _number(value: Any, _: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _expect(value, "a number")
    return float(value)


def _flag(value: Any, _: Any) -> bool:
    if not isinstance(value, bool):
        raise _expect(value, "true or false")
    return value


def _moment(value: Any, kind: Any) -> Any:
    if isinstance(value, str):
        try:
            return kind.fromisoformat(value)
        except ValueError:
            pass
    raise _expect(value, _TIMES[kind])


def _is_list(kind: Any) -> bool:
    return get_origin(kind) in (list, tuple, Sequence)


def _list_hook(kind: Any, converter: cattrs.Converter) -> _Hook:
    make, structure = get_origin(kind), list_structure_factory(kind, converter)

    def hook(value: Any, given: Any) -> Any:
        if not isinstance(value, list):
            raise _expect(value, "a list")
        return tuple(structure(value, given)) if make is tuple else structure(value, given)

    return hook


def _object_hook(kind: Any, converter: cattrs.Converter) -> _Hook:
    names = {each.name: each.metadata.get(JSON_NAME) for each in attrs.fields(attrs.resolve_types(kind))}
    renamed: dict[str, Any] = {own: override(rename=name) for own, name in names.items() if name}
    structure = make_dict_structure_fn(kind, converter, **renamed)

    def hook(value: Any, given: Any) -> Any:
        if not isinstance(value, dict):
            raise _expect(value, "an object")
        try:
            return structure(value, given)
        except cattrs.ClassValidationError as error:
            _name_as_sent(error, names)
            raise

    return hook


def _name_as_sent(error: cattrs.ClassValidationError, names: Mapping[str, str | None]) -> None:
    """Let the notes of a class's errors name the fields as they are in the JSON."""
    for each in error.exceptions:
        notes = getattr(each, "__notes__", [])
        for index, note in enumerate(notes):
            if isinstance(note, AttributeValidationNote) and (name := names.get(note.name)):
                notes[index] = AttributeValidationNote(str(note), name, note.type)
