"""Conversion of arguments to the portal's form: Bynder's own names, values as text."""

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

# Ids are sent in the address, whose length is limited.
IDS_AT_ONCE: Final = 100
# Parameters that a list sets itself to get its next page.
_PAGING: Final = ("page", "cursor")
_LONG_ID: Final = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4})([0-9a-f]{12})")


def camel_case(name: str) -> str:
    """Return a name of ours as Bynder writes it: `dateCreated` for `date_created`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def bynder_names(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments by Bynder's names: `dateCreatedTo` for `date_created_to`."""
    return {camel_case(name): value for name, value in arguments.items() if name != "extra"}


def fields(given: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return the fields of a form or query as text, without those that are `None`.

    Args:
        given: values by Bynder's names.
        extra: more values, which replace those of the same name.
    """
    merged = {**given, **(extra or {})}
    return {name: text_of(value) for name, value in merged.items() if value is not None}


def json_data(value: Any) -> dict[str, str]:
    """Return the form field `data` with a value in JSON, as metaproperties, tags and collections take it."""
    return {"data": json.dumps(value)}


def page_size(extra: Mapping[str, Any] | None, limit: int | None) -> int | None:
    """Return the number of records in one request of a list; a `limit` in `extra` replaces the argument.

    Raises:
        ArgumentError: `extra` names a page, but a list requests all pages itself.
    """
    for name in _PAGING:
        if name in (extra or {}):
            hint = "get one page with `page`"
            raise ArgumentError(f"extra: {name} is not for a list, which requests all pages", hint=hint)
    wanted = (extra or {}).get("limit")
    if wanted is None:
        return limit
    try:
        return int(wanted)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"extra: limit must be a whole number, not {wanted!r:.80}") from error


def text_of(value: Any) -> str:
    """Return a value as the portal reads it: `true`, ISO 8601 in UTC, a comma-separated list, or JSON.

    A time without a zone is taken as UTC.

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
    """Return tags as one comma-separated text, without duplicates. A comma within a tag becomes a space."""
    clean = (" ".join(tag.replace(",", " ").split()) for tag in ([tags] if isinstance(tags, str) else tags))
    return ",".join(dict.fromkeys(tag for tag in clean if tag))


def uuid_of(id: str) -> str:
    """Return an asset's id in the form that newer services and `/transform` expect: lower case, four dashes.

    Source: assumed: the portal's two forms of an id differ only in the fourth dash and in case.
    """
    match = _LONG_ID.fullmatch(id.lower())
    return f"{match[1]}-{match[2]}" if match else id


def batches(ids: Sequence[str] | str) -> Iterator[list[str]]:
    """Yield ids in batches that fit into an address, without duplicates."""
    rest = iter(dict.fromkeys([ids] if isinstance(ids, str) else ids))
    while batch := list(islice(rest, IDS_AT_ONCE)):
        yield batch
