"""Requests to the portal that must not be repeated, and what their answers must hold to count as done."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeVar

import httpx
import msgspec

from damlink._http.client import Client
from damlink.bynder.records.convert import decode, flag, text

__all__ = ["check_confirmation", "id_of", "post_once", "success_of"]

_ID: Final = re.compile(r"[\w.-]+", re.ASCII)

T = TypeVar("T")


def post_once(
    client: Client,
    path: str,
    read: Callable[[Mapping[str, Any]], T],
    *,
    method: str = "POST",
    accept: Collection[int] = (),
    **content: Any,
) -> T:
    """Send a request that must not be repeated, and return what `read` makes of its JSON object.

    Args:
        read: raises a `ValueError` if the object does not hold what it must bring.
        accept: statuses besides 2xx that `read` understands.
        content: of the request, in httpx's words.

    Raises:
        UnclearError: it may or may not have happened.
    """
    return client.send_once(
        method, path, read=lambda response: read(success_of(response)), accept=accept, **content
    )


def success_of(response: httpx.Response) -> Mapping[str, Any]:
    """Return the JSON object of an answer.

    Raises:
        ValueError: there is none, or it says that something failed.
    """
    try:
        body = decode(response.content)
    except msgspec.DecodeError as error:
        raise ValueError("it is not JSON") from error
    if not isinstance(body, Mapping):
        raise ValueError("it is no JSON object")
    if not flag(body.get("success", True)):
        raise ValueError(f'it says "success": {text(body["success"]) or "null"}')
    return body


def id_of(body: Mapping[str, Any], *names: str) -> str:
    """Return the id in the first of these fields that holds one.

    Raises:
        ValueError: none does.
    """
    for name in names:
        value = text(body.get(name))
        if _ID.fullmatch(value):
            return value
    raise ValueError(f"it has no {' or '.join(names)}")


def check_confirmation(body: Mapping[str, Any]) -> None:
    """Make sure that an answer confirms what was asked for, in whatever words.

    Raises:
        ValueError: it does not.
    """
    if not any(text(body.get(name)) for name in ("message", "status", "statuscode")):
        raise ValueError("it confirms nothing")
