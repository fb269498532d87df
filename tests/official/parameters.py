"""What was sent and answered beside the committed inventory: without the definitions themselves."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from recorder import Exchange
from workspace.operations import ELSEWHERE
from workspace.published import Operation

__all__ = ["NOT_SENT", "deviations", "unsent"]

# Names that stand in the path already, and are published once more for the body.
_IN_THE_PATH: Final = frozenset({"id", "optionId", "groupId", "dependencyId", "job_id"})
# What is sent under names of its own: `property_Shade` and `metaproperty.0123`.
_STEMS: Final = {"property_NAME": "property_", "metaproperty": "metaproperty."}
NOT_SENT: Final[Mapping[str, str]] = {
    "GET /api/v4/media/: cursor": "sent where an answer names one, which needs a feature of the account",
    "POST /api/v4/media/save/{importId}: publicationDate": "Bynder has replaced it by ISOPublicationDate",
    "PATCH /api/workflow/jobs/{id}/finish: status": "its only value says what the path says",
}


def unsent(inventory: Iterable[Mapping[str, Any]], exchanges: Iterable[Exchange]) -> Iterator[str]:
    """Yield each published parameter of a query or a body that no request had, after its operation."""
    operations = {str(Operation(each["method"], each["path"])): each for each in inventory}
    sent = _sent([Operation(each["method"], each["path"]) for each in operations.values()], exchanges)
    for operation, each in operations.items():
        if operation in ELSEWHERE:
            continue
        if operation not in sent:
            yield f"{operation} is not called"
        yield from (
            f"{operation}: {name}"
            for name in sorted(_published(each) - _IN_THE_PATH)
            if not any(_is(name, given) for given in sent.get(operation, ()))
        )


def _published(row: Mapping[str, Any]) -> set[str]:
    query = (each["name"] for each in row["parameters"] if each["in"] == "query")
    return {*query, *(each["name"] for body in row["bodies"].values() for each in body)}


def _is(name: str, given: str) -> bool:
    return given == name or given.startswith(_STEMS.get(name, f"{name}="))


def _sent(operations: list[Operation], exchanges: Iterable[Exchange]) -> dict[str, set[str]]:
    """Return the names that requests had, by operation."""
    found: dict[str, set[str]] = {}
    for exchange in exchanges:
        fitting = [each for each in operations if each.matches(exchange.method, exchange.path)]
        if fitting:
            operation = min(fitting, key=lambda each: each.path.count("{"))
            found.setdefault(str(operation), set()).update(_names(exchange))
    return found


def _names(exchange: Exchange) -> Iterator[str]:
    yield from urllib.parse.parse_qs(exchange.query, keep_blank_values=True)
    if exchange.body and exchange.content_type == "application/json":
        body = json.loads(exchange.body)
        yield from body if isinstance(body, dict) else ()
    elif exchange.body and "form" in exchange.content_type:
        yield from exchange.form()


# --- what is otherwise -----------------------------------------------------------------------------

_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
}


def deviations(
    inventory: Iterable[Mapping[str, Any]], exchanges: Iterable[Exchange]
) -> Iterator[tuple[str, str]]:
    """Yield what an exchange does otherwise than the inventory says, as the operation and in words.

    The words are those of `definitions`, which knows more.
    """
    operations = [(Operation(each["method"], each["path"]), each) for each in inventory]
    for exchange in exchanges:
        fitting = [each for each in operations if each[0].matches(exchange.method, exchange.path)]
        if fitting:
            operation, row = min(fitting, key=lambda each: each[0].path.count("{"))
            yield from ((str(operation), words) for words in _otherwise(row, exchange))


def _otherwise(row: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
    if str(exchange.status) not in row["answers"]:
        yield f"answer: status {exchange.status} is not published"
    known = {each["name"] for each in row["parameters"]}
    for name in urllib.parse.parse_qs(exchange.query, keep_blank_values=True):
        if not any(_is(each, name) for each in known):
            yield f"query: {name} is not published"
    if exchange.body and exchange.content_type not in row["bodies"]:
        yield f"body: {exchange.content_type} instead of {', '.join(row['bodies']) or 'nothing'}"
    elif exchange.body and row["bodies"][exchange.content_type]:
        yield from _body(row["bodies"][exchange.content_type], exchange)


def _body(published: Iterable[Mapping[str, Any]], exchange: Exchange) -> Iterator[str]:
    types = {each["name"]: each["type"].partition(" ")[0] for each in published}
    is_json = exchange.content_type == "application/json"
    given = json.loads(exchange.body) if is_json else dict.fromkeys(_names(exchange))
    for name, value in given.items() if isinstance(given, dict) else ():
        if not any(_is(each, name) for each in types):
            yield f"body: {name} is not published"
        elif is_json and not isinstance(value, _TYPES.get(types.get(name, ""), object)):
            yield f"body: {name} is {type(value).__name__}, not {types[name]}"
