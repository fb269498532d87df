"""The portal's JSON, read with patience: what every record is made from. Unknown fields are kept in `raw`.

Source: Bynder's published definitions, and the deviations seen in the field: flags as 0 or 1,
numbers as text, a list where there is one value, objects where there is text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

import attrs
import msgspec

from damlink._system.keepable import strict_json

__all__ = [
    "Brand",
    "Profile",
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

_LEGACY: Final = "%B, %d %Y %H:%M:%S %z"  # `March, 08 2017 14:17:37 +0000`
_YES: Final = frozenset({"1", "true", "yes"})
_WORDS: Final = ("name", "label", "displayLabel", "value", "id")  # of an object that stands for a text


def decode(content: bytes) -> Any:
    """Read JSON; a name that is half an emoji, or not UTF-8, is repaired and spoils no other record.

    Raises:
        msgspec.DecodeError: it is no JSON.
    """
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        try:
            found = json.loads(content.decode("utf-8-sig", "replace"), parse_constant=_refuse_constant)
            return strict_json(found, "the answer")
        except (ValueError, TypeError, RecursionError):
            raise msgspec.DecodeError(str(error)) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def moment(value: Any) -> datetime | None:
    """A date in any of the portal's five forms, as UTC; one without a zone is taken as UTC."""
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
    """A text, whatever it came as: nothing, a number, the first of a list, an object with a name."""
    return next(iter(texts(value)), "")


def texts(value: Any) -> tuple[str, ...]:
    """One text, several, or none, as a tuple; an object stands for its name."""
    if value is None or value == "":
        return ()
    if isinstance(value, Mapping):
        return next((texts(value[key]) for key in _WORDS if value.get(key)), ())
    if isinstance(value, list | tuple):
        return tuple(word for each in value for word in texts(each))
    return (str(value),)


def texts_by_name(value: Any) -> dict[str, str]:
    """Texts by their names, such as labels by language."""
    return {str(name): text(each) for name, each in value.items()} if isinstance(value, Mapping) else {}


def ids(value: Any) -> tuple[str, ...]:
    """Ids that come as such, or within objects."""
    found = value if isinstance(value, list | tuple) else texts(value)
    return tuple(text(each.get("id") if isinstance(each, Mapping) else each) for each in found if each)


def number(value: Any) -> int:
    """A whole number that may come as text, as a fraction, or not at all."""
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return 0


def flag(value: Any) -> bool:
    """A flag that may come as such, as 0 or 1, or as either in words."""
    return bool(number(value)) or str(value).strip().lower() in _YES


def find(raw: Mapping[str, Any], key: str) -> Any:
    """A field, whichever way its first letter is spelt: `isPublic` is known to come as `IsPublic` too."""
    return raw[key] if key in raw else raw.get(key[:1].upper() + key[1:])


def records(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects of a list, or of an object that holds them by name."""
    found = value.values() if isinstance(value, Mapping) else value
    return (each for each in (found if isinstance(value, Mapping | list | tuple) else ()) if _is_record(each))


def _is_record(value: Any) -> bool:
    return isinstance(value, Mapping)


@attrs.frozen
class Brand:
    """A brand, or a brand within another.

    Attributes:
        parent_id: of the brand it is within, or `None`.
    """

    id: str
    name: str
    description: str = ""
    parent_id: str | None = None
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @classmethod
    def read_all(cls, raw: Any, parent_id: str | None = None) -> Iterator[Brand]:
        """From the portal's JSON, the brands within each after it."""
        for each in records(raw):
            own = text(each.get("id"))
            yield cls(own, text(each.get("name")), text(each.get("description")), parent_id, each)
            yield from cls.read_all(each.get("subBrands"), own)


@attrs.frozen
class Profile:
    """A security profile with its roles."""

    id: str
    name: str
    roles: frozenset[str]
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Profile:
        """From the portal's JSON."""
        return cls(text(raw.get("id")), text(raw.get("name")), frozenset(texts(raw.get("roles"))), raw)
