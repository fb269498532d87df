"""Conversion of the filters in the settings to a query, verified against the portal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from damlink import Context, suggest
from damlink.bynder import Metaproperty
from damlink.errors import ConfigError

__all__ = ["query_of"]

TYPES: Final = ("image", "document", "audio", "video", "3d")
ORIENTATIONS: Final = ("square", "portrait", "landscape")
PROPERTY: Final = "property_"
_DATES: Final = tuple(f"date_{what}{end}" for what in ("created", "modified") for end in ("", "_to", "_on"))
_FLAGS: Final = ("is_public", "limited", "archive")


class WrongFilterError(ValueError):
    """Filter that the portal does not support, with a hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def query_of(ctx: Context) -> dict[str, Any]:
    """Return the arguments of `ctx.bynder.assets.list` for the filters of the settings.

    Raises:
        ConfigError: the portal does not know a filter or its value.
    """
    query: dict[str, Any] = {}
    for name, value in (ctx.settings.filters or {}).items():
        try:
            _add(ctx, query, name, value)
        except WrongFilterError as error:
            place = f"connectors.{ctx.connector}.filters.{name}"
            raise ConfigError(place, str(error), hint=error.hint) from error
    return query


def _add(ctx: Context, query: dict[str, Any], name: str, value: Any) -> None:
    if name.startswith(PROPERTY):
        key, wanted = _property(ctx, name.removeprefix(PROPERTY), _texts(value))
        query.setdefault("properties", {})[key] = wanted
    elif name in _DATES:
        query[name] = _moment(value)
    elif name in _FLAGS:
        query[name] = _flag(value)
    elif name in _READERS:
        query |= _READERS[name](ctx, _texts(value))
    else:
        known = (*_READERS, *_FLAGS, *_DATES, f"{PROPERTY}NAME")
        raise WrongFilterError("there is no such filter", suggest(name, known))


def _tags(_ctx: Context, values: list[str]) -> dict[str, Any]:
    return {"tags": _split(values)}


def _keyword(_ctx: Context, values: list[str]) -> dict[str, Any]:
    return {"keyword": " ".join(values)}


def _types(_ctx: Context, values: list[str]) -> dict[str, Any]:
    return {"type": [_one_of(value, TYPES) for value in _split(values)]}


def _orientations(_ctx: Context, values: list[str]) -> dict[str, Any]:
    return {"orientation": [_one_of(value, ORIENTATIONS) for value in _split(values)]}


def _brand(ctx: Context, values: list[str]) -> dict[str, Any]:
    wanted = _single(values)
    brands = ctx.bynder.brands.list()
    for brand in brands:
        if wanted in (brand.id, brand.name):
            return {"sub_brand_id" if brand.parent_id else "brand_id": brand.id}
    raise WrongFilterError(
        f"the portal has no brand {wanted!r}", suggest(wanted, (brand.name for brand in brands))
    )


def _collection(ctx: Context, values: list[str]) -> dict[str, Any]:
    wanted = _single(values)
    collections = list(ctx.bynder.collections.list())
    for collection in collections:
        if wanted in (collection.id, collection.name):
            return {"collection_id": collection.id}
    hint = suggest(wanted, (collection.name for collection in collections))
    raise WrongFilterError(f"the portal shows no collection {wanted!r}", hint)


def _category(_ctx: Context, values: list[str]) -> dict[str, Any]:
    return {"category_id": _single(values)}


_READERS: Final[Mapping[str, Callable[[Context, list[str]], dict[str, Any]]]] = {
    "type": _types,
    "tags": _tags,
    "keyword": _keyword,
    "orientation": _orientations,
    "brand": _brand,
    "collection": _collection,
    "category": _category,
}


def _property(ctx: Context, name: str, values: list[str]) -> tuple[str, str]:
    """Return the database name of a metaproperty and the value to query: several options by their ids."""
    known = ctx.bynder.metaproperties.list(options=True)
    found = next((each for each in known if name in (each.name, each.label, each.id)), None)
    if found is None:
        hint = suggest(name, (each.name for each in known))
        raise WrongFilterError(f"the portal has no metaproperty {name!r}", hint)
    if found.type == "date":
        raise WrongFilterError("Bynder cannot filter by a metaproperty of type date")
    if not found.options:
        return found.name, _single(values)
    options = [option for value in values for option in _options(found, value)]
    # Several options are queried by their ids, with commas: a name with a comma would look like two.
    is_plain = len(options) == 1 and "," not in options[0].name
    return found.name, options[0].name if is_plain else ",".join(each.id for each in options)


def _options(metaproperty: Metaproperty, wanted: str) -> list[Any]:
    """Return the option of a name, which may contain commas; else the options of a list with commas."""
    names = {name for option in metaproperty.options for name in (option.name, option.label, option.id)}
    parts = [wanted] if wanted in names else _split([wanted])
    return [_option(metaproperty, part) for part in parts]


def _option(metaproperty: Metaproperty, wanted: str) -> Any:
    for option in metaproperty.options:
        if wanted in (option.name, option.label, option.id):
            return option
    hint = suggest(wanted, (option.name for option in metaproperty.options))
    raise WrongFilterError(f"{metaproperty.name!r} has no option {wanted!r}", hint)


def _one_of(value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise WrongFilterError(f"{value!r} is none of {', '.join(known)}", suggest(value, known))
    return value


def _texts(value: Any) -> list[str]:
    """Return one text or several; a comma is part of a text."""
    values = value if isinstance(value, list) else [value]
    return [str(each).strip() for each in values if str(each).strip()]


def _split(values: list[str]) -> list[str]:
    """Split values at commas, for filters whose values contain no comma."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _single(values: list[str]) -> str:
    if len(values) != 1:
        raise WrongFilterError("it takes one value")
    return values[0]


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongFilterError(f"expected true or false, got {value!r}")
    return value


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise WrongFilterError(f"expected a date such as 2024-01-31, got {value!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
