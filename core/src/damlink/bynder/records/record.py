"""Records of the portal, each field of which is converted from JSON when it is read first, by its type."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, TypeVar

import attrs

from damlink.bynder._fields import camel_case
from damlink.bynder.records.convert import find, flag, moment, number, records, text, texts, texts_by_name

__all__ = ["Key", "Record", "read_record"]


@attrs.frozen(init=False)
class Key:
    """Names of a field in the portal's JSON, if they differ from its own name in camel case.

    Attributes:
        names: the first one with a value counts.
    """

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        self.__attrs_init__(names)


class Record:
    """A record of the portal. Unknown fields are kept in `raw`.

    A field is converted when it is read first, by its type or by the function in its `Annotated` type. No
    conversion fails: a value of an unexpected kind counts as missing. An answer that is no record, or lacks
    an id that it must contain, is an error of the call. Subclasses have no slots.
    """

    raw: Mapping[str, Any]

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        """Return the record that an object of the portal's JSON describes."""
        record = object.__new__(cls)
        _set(record, "raw", raw)
        return record

    # Type checkers must not see it: they would accept any name.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # The first record of a class gets here: resolving the annotations is too slow for every import.
            field = _install_fields(type(self)).get(name)
            if field is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            return field.__get__(self, type(self))


R = TypeVar("R", bound=Record)

# The classes are frozen.
_set: Final = object.__setattr__


def read_record(kind: type[R], raw: Mapping[str, Any], /, **known: Any) -> R:
    """Return a record that reads its fields from the portal's JSON when they are used.

    Args:
        known: values of fields that are not read from the JSON.
    """
    record = object.__new__(kind)
    for name, value in {**known, "raw": raw}.items():
        _set(record, name, value)
    return record


class _Field:
    """Field of a record. Its value is kept in the record, where Python finds it before this descriptor.

    Args:
        keys: names in the JSON; the first one with a value counts.
        convert: returns the value of any JSON.
    """

    def __init__(self, name: str, keys: tuple[str, ...], convert: Callable[[Any], Any]) -> None:
        self._name = name
        self._keys = keys
        self._first = keys[0]
        self._convert = convert
        # The type of most values, and how one is converted without a look at other forms.
        self._usual, self._take = _USUAL.get(convert, (None, convert))

    def __get__(self, record: Record | None, kind: type[Record]) -> Any:
        if record is None:
            return self
        raw = record.raw
        value = raw.get(self._first)
        if type(value) is not self._usual or not value or not (value := self._take(value)):
            value = self._read(raw)
        record.__dict__[self._name] = value
        return value

    def _read(self, raw: Mapping[str, Any]) -> Any:
        value = None
        try:
            # A value counts only once converted: the portal also sends empty objects for "no value".
            for key in self._keys:
                if value := self._convert(find(raw, key)):
                    break
        # Nested too deep, or too large a number.
        except (RecursionError, OverflowError):
            return self._convert(None)
        return value


def _take_texts(value: Sequence[Any]) -> tuple[str, ...]:
    """Return a list of texts as a tuple; nothing if it has anything else."""
    return tuple(value) if {*map(type, value)} == _TEXTS and "" not in value else ()


_TEXTS: Final = {str}
_USUAL: Final[Mapping[Any, tuple[type | None, Callable[[Any], Any]]]] = {
    text: (str, str),
    texts: (list, _take_texts),
}


@functools.cache
def _install_fields(kind: Any) -> Mapping[str, _Field]:
    """Add the descriptors of its fields to a class of records, and return them."""
    hints = typing.get_type_hints(kind, include_extras=True)
    names = [field.name for field in attrs.fields(kind) if field.name != "raw"]
    fields = {name: _field(name, hints[name]) for name in names}
    for name, field in fields.items():
        setattr(kind, name, field)
    return fields


def _field(name: str, hint: Any) -> _Field:
    plain, *marks = typing.get_args(hint) if typing.get_origin(hint) is Annotated else (hint,)
    keys = next((mark.names for mark in marks if isinstance(mark, Key)), (camel_case(name),))
    convert = next((mark for mark in marks if not isinstance(mark, Key)), None) or _converter(plain)
    return _Field(name, keys, convert)


def _converter(kind: Any) -> Callable[[Any], Any]:
    if kind in _CONVERTERS:
        return _CONVERTERS[kind]
    # Every other type is a tuple of records.
    record = typing.get_args(kind)[0]
    return lambda value: tuple(map(record.read, records(value)))


_CONVERTERS: Final[Mapping[Any, Callable[[Any], Any]]] = {
    str: text,
    int: number,
    bool: flag,
    str | None: lambda value: text(value) or None,
    bool | None: lambda value: None if value is None else flag(value),
    datetime | None: moment,
    tuple[str, ...]: texts,
    frozenset[str]: lambda value: frozenset(texts(value)),
    Mapping[str, str]: texts_by_name,
    tuple[Mapping[str, Any], ...]: lambda value: tuple(records(value)),
}
