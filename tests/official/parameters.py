"""Which published parameters the client has not sent, by the committed inventory."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from recorder import Exchange
from workspace.operations import ELSEWHERE
from workspace.published import Operation

__all__ = ["NOT_SENT", "unsent"]

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
