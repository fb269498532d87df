"""Tolerant converters from Bynder's JSON to Python types.

Source: Bynder's published definitions, and the deviations seen in the field: flags as 0 or 1,
numbers as text, a list instead of one value, objects instead of text.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator, Mapping, ValuesView
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final, NoReturn

import msgspec

from damlink._system.keepable import strict_json

__all__ = [
    "decode",
    "find",
    "flag",
    "ids",
    "moment",
    "number",
    "records",
    "text",
    "texts",
    "texts_by_name",
]

# Older resources write `March, 08 2017 14:17:37 +0000`.
_LEGACY: Final = "%B, %d %Y %H:%M:%S %z"
_YES: Final = frozenset({"1", "true", "yes"})
# Fields of an object that is sent instead of a text; the first one with a value counts.
_WORDS: Final = ("name", "label", "displayLabel", "value", "id")
_LIST: Final = (list, tuple)
# A check for the abstract class is slow, and nearly every object is a dict.
_OBJECT: Final = (dict, Mapping)


def decode(content: bytes) -> Any:
    """Return the value of a JSON text; repair names that are half an emoji or not UTF-8.

    Raises:
        msgspec.DecodeError: it is not JSON.
    """
    try:
        return _decode_uncollected(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        try:
            found = json.loads(content.decode("utf-8-sig", "replace"), parse_constant=_refuse_constant)
            return strict_json(found, "the answer")
        except (ValueError, TypeError, RecursionError):
            raise msgspec.DecodeError(str(error)) from error


def _decode_uncollected(content: bytes) -> Any:
    """Decode without the collector of garbage: it finds none here, and takes longer than the decoding."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return msgspec.json.decode(content)
    finally:
        if collects:
            gc.enable()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def moment(value: Any) -> datetime | None:
    """Convert a date in any of the portal's five forms to UTC; one without a zone is in UTC."""
    if not value or not isinstance(value, str):
        return None
    for read in (datetime.fromisoformat, _legacy):
        try:
            parsed = read(value)
            return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _legacy(text: str) -> datetime:
    return datetime.strptime(text, _LEGACY)


def text(value: Any) -> str:
    """Convert to a text: a missing value, a number, the first item of a list, or an object with a name."""
    if type(value) is str:
        return value
    return next(iter(texts(value)), "")


def texts(value: Any) -> tuple[str, ...]:
    """Convert one text, several or none to a tuple; of an object, take its name."""
    if type(value) is str:
        return (value,) if value else ()
    try:
        if isinstance(value, _LIST):
            return tuple(value) if _is_plain(value) else tuple(chain.from_iterable(map(texts, value)))
        if isinstance(value, _OBJECT):
            return next((texts(value[key]) for key in _WORDS if value.get(key)), ())
    # Nested deeper than Python can follow: no text of a portal.
    except RecursionError:
        return ()
    return () if value is None else (str(value),)


def _is_plain(value: Iterable[Any]) -> bool:
    # Faster than `all` with a generator.
    for each in value:  # noqa: SIM110
        if type(each) is not str or not each:
            return False
    return True


def texts_by_name(value: Any) -> dict[str, str]:
    """Convert an object of texts, such as labels by language."""
    return {str(name): text(each) for name, each in value.items()} if isinstance(value, Mapping) else {}


def ids(value: Any) -> tuple[str, ...]:
    """Convert a list of ids, or of objects with ids."""
    found = value if isinstance(value, list | tuple) else texts(value)
    return tuple(text(each.get("id") if isinstance(each, Mapping) else each) for each in found if each)


def number(value: Any) -> int:
    """Convert to a whole number; a missing or unreadable one is 0."""
    try:
        # The position of a stage may be sent as `"1.0"`.
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return 0


def flag(value: Any) -> bool:
    """Convert to a flag: true or false, 0 or 1, or either as a text."""
    return bool(number(value)) or str(value).strip().lower() in _YES


def find(raw: Mapping[str, Any], key: str) -> Any:
    """Return a field by its name; the portal also spells `isPublic` as `IsPublic`."""
    return raw[key] if key in raw else raw.get(key[:1].upper() + key[1:])


def records(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list, or of an object that holds them by name."""
    items = value.values() if isinstance(value, Mapping) else value
    if isinstance(items, list | tuple | ValuesView):
        yield from (each for each in items if isinstance(each, _OBJECT))
