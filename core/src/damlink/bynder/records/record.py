"""Records of the portal, each field of which is read from JSON by its type."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Self, TypeVar

import attrs

from damlink.bynder._fields import camel_case
from damlink.bynder.records.convert import find, flag, moment, number, records, text, texts, texts_by_name

__all__ = ["Key", "Record", "read_record"]

T = TypeVar("T")


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

    A field is converted by its type, or by the function in its `Annotated` type.
    """

    __slots__ = ()

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        """Return the record that an object of the portal's JSON describes."""
        return read_record(cls, raw)


def read_record(kind: Callable[..., T], raw: Mapping[str, Any], /, **known: Any) -> T:
    """Return a record from the portal's JSON.

    Args:
        known: values of fields that are not read from the JSON.
    """
    readers = _field_readers(kind).items()
    return kind(**{name: read(raw) for name, read in readers if name not in known}, **known)


# Resolving the annotations costs more than reading a record, so it is done once for each class.
@functools.cache
def _field_readers(kind: Any) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return {field.name: _field_reader(field.name, hints[field.name]) for field in attrs.fields(kind)}


def _field_reader(name: str, hint: Any) -> Callable[[Mapping[str, Any]], Any]:
    if name == "raw":
        return lambda raw: raw
    plain, *marks = typing.get_args(hint) if typing.get_origin(hint) is Annotated else (hint,)
    *others, last = next((mark.names for mark in marks if isinstance(mark, Key)), (camel_case(name),))
    convert = next((mark for mark in marks if not isinstance(mark, Key)), None) or _converter(plain)

    def read(raw: Mapping[str, Any]) -> Any:
        # A value counts only once converted: the portal also sends empty objects for "no value".
        for key in others:
            if value := convert(find(raw, key)):
                return value
        return convert(find(raw, last))

    return read


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
    bool | None: lambda value: None if value is None else flag(value),
    datetime | None: moment,
    tuple[str, ...]: texts,
    frozenset[str]: lambda value: frozenset(texts(value)),
    Mapping[str, str]: texts_by_name,
    tuple[Mapping[str, Any], ...]: lambda value: tuple(records(value)),
}
