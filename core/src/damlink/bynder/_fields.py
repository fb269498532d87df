"""Our arguments as the portal takes them: under Bynder's own names, as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any, Final

from damlink.errors import ArgumentError

__all__ = [
    "batches",
    "bynder_names",
    "camel_case",
    "fields",
    "join_tags",
    "json_data",
    "page_size",
    "text_of",
    "uuid_of",
]

IDS_AT_ONCE: Final = 100  # so that an address stays short
_PLACE: Final = ("page", "cursor")  # where a list has come to
_LONG_ID: Final = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4})([0-9a-f]{12})")


def camel_case(name: str) -> str:
    """Return a name of ours as Bynder writes it: `dateCreated` for `date_created`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def bynder_names(kind: type, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a typed `**` by Bynder's names: `dateCreatedTo` for `date_created_to`.

    Args:
        kind: the `TypedDict` that declares them.

    Raises:
        TypeError: it declares no such argument. The portal would ignore it silently.
    """
    for name in arguments:
        if name not in kind.__annotations__:
            raise TypeError(f"unexpected argument {name!r}")
    return {camel_case(name): value for name, value in arguments.items() if name != "extra"}


def fields(given: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The fields of a form or of a query; what is `None` is left out.

    Args:
        given: by Bynder's names.
        extra: further ones, which win.
    """
    together = {**given, **(extra or {})}
    return {name: text_of(value) for name, value in together.items() if value is not None}


def json_data(value: Any) -> dict[str, str]:
    """Return the form field `data` with a value in JSON, as metaproperties, tags and collections take it."""
    return {"data": json.dumps(value)}


def page_size(extra: Mapping[str, Any] | None, limit: int | None) -> int | None:
    """Return how many records a list asks for at once: a `limit` among the further parameters wins.

    Raises:
        ArgumentError: they name a page, and the list asks for one page after the other by itself.
    """
    for name in _PLACE:
        if name in (extra or {}):
            hint = "ask for one page with `page`"
            raise ArgumentError(f"extra: {name} is not for a list, which goes on by itself", hint=hint)
    wanted = (extra or {}).get("limit")
    if wanted is None:
        return limit
    try:
        return int(wanted)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"extra: limit must be a whole number, not {wanted!r:.80}") from error


def text_of(value: Any) -> str:
    """A value as the portal reads it: `true`, ISO 8601 in UTC, several parted by commas, an object as JSON.

    A moment without a zone is taken as UTC.

    Source: api.bynder.com, "Assets": `yyyy-mm-ddThh:mm:ssZ`; lists are comma-separated.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return json.dumps(value)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(text_of(each) for each in value)
    return str(value)


def join_tags(tags: Iterable[str]) -> str:
    """Tags as the portal takes them: parted by commas, so that none may hold one; none twice."""
    clean = (" ".join(tag.replace(",", " ").split()) for tag in ([tags] if isinstance(tags, str) else tags))
    return ",".join(dict.fromkeys(tag for tag in clean if tag))


def uuid_of(id: str) -> str:
    """An asset's id in the form that the newer services and `/transform` take: lower case, four dashes.

    Source: assumed: the portal's two forms of id differ in the fourth dash and in case only.
    """
    match = _LONG_ID.fullmatch(id.lower())
    return f"{match[1]}-{match[2]}" if match else id


def batches(ids: Sequence[str] | str) -> Iterator[list[str]]:
    """Ids in lots that an address can hold; none twice."""
    rest = iter(dict.fromkeys([ids] if isinstance(ids, str) else ids))
    while lot := list(islice(rest, IDS_AT_ONCE)):
        yield lot
