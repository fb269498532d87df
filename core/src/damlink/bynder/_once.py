"""Requests to the portal that must not be repeated, and the checks of their answers."""

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
        read: reads the object; raises `ValueError` if a required value is missing.
        accept: statuses other than 2xx that `read` accepts.
        content: content of the request, as arguments of httpx.

    Raises:
        UnclearError: it is not known whether the request was executed.
    """
    return client.send_once(
        method, path, read=lambda response: read(success_of(response)), accept=accept, **content
    )


def success_of(response: httpx.Response) -> Mapping[str, Any]:
    """Return the JSON object of an answer.

    Raises:
        ValueError: the answer is no JSON object, or reports a failure.
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
    """Return the id from the first of these fields that contains one.

    Raises:
        ValueError: none of them contains an id.
    """
    for name in names:
        value = text(body.get(name))
        if _ID.fullmatch(value):
            return value
    raise ValueError(f"it has no {' or '.join(names)}")


def check_confirmation(body: Mapping[str, Any]) -> None:
    """Raise an error unless an answer confirms the request; the portal has several forms of confirmation.

    Raises:
        ValueError: it has none of them.
    """
    if not any(text(body.get(name)) for name in ("message", "status", "statuscode")):
        raise ValueError("it confirms nothing")
