"""Bodies of the portal's answers as a call expects them; what is something else is asked for again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import httpx

from damlink._http.client import Client
from damlink._http.retry import pause
from damlink.bynder._request import read_json
from damlink.errors import TransientError

__all__ = [
    "expect_field",
    "expect_ids",
    "expect_mapping",
    "expect_object",
    "expect_page",
    "expect_records",
    "expect_text",
    "get_body",
    "post_body",
    "read_again",
    "read_body",
]

ATTEMPTS: Final = 3  # how often something is asked for whose answer cannot be read
PAUSE_SECONDS: Final = 1.0

T = TypeVar("T")

Expect = Callable[[Any], T]
"""Returns what a body holds, or raises `ValueError` with what was expected."""


class UnreadableError(TransientError):
    """The portal answered a request that may be repeated with something else than it should."""


def get_body(client: Client, path: str, expect: Expect[T], **query: Any) -> T:
    """GET a path of the portal, again where the answer cannot be read, and return what it holds.

    Raises:
        TransientError: no answer can be read.
    """
    given = {name: value for name, value in query.items() if value is not None}
    return read_again(lambda: client.get(path, params=given), lambda response: read_body(response, expect))


def post_body(client: Client, path: str, expect: Expect[T], **content: Any) -> T:
    """POST a request that is safe to repeat, again if the answer is unreadable, and return its body.

    Raises:
        TransientError: no answer can be read.
    """
    return read_again(
        lambda: client.post(path, idempotent=True, **content), lambda response: read_body(response, expect)
    )


def read_again(send: Callable[[], httpx.Response], read: Callable[[httpx.Response], T]) -> T:
    """Send a request that may be repeated, again where `read` does not understand the answer."""
    for _ in range(ATTEMPTS - 1):
        try:
            return read(send())
        except UnreadableError:
            pause(PAUSE_SECONDS)
    return read(send())


def read_body(response: httpx.Response, expect: Expect[T]) -> T:
    """Return what the JSON of an answer holds.

    Raises:
        TransientError: it is no JSON, or not what is expected.
    """
    try:
        return expect(read_json(response))
    except (TransientError, ValueError) as error:
        call = f"{response.request.method} {response.request.url.path}"
        message = f"{response.request.url.host} answered {response.status_code} to {call}, {_cause(error)}"
        raise UnreadableError(message, status=response.status_code) from error


def _cause(error: Exception) -> str:
    return "without JSON" if isinstance(error, TransientError) else f"and not {error}"


# --- what a body can be ----------------------------------------------------------------------------


def expect_object(body: Any) -> Mapping[str, Any]:
    """Return an object that holds something."""
    if isinstance(body, Mapping) and body:
        return body
    raise ValueError("with a record")


def expect_mapping(body: Any) -> Mapping[str, Any]:
    """Return an object; an empty one may come as an empty list."""
    if isinstance(body, Mapping):
        return body
    if body == []:
        return {}
    raise ValueError("with an object")


def expect_records(body: Any) -> Sequence[Mapping[str, Any]]:
    """Return the objects of a list, or of an object that holds them by name."""
    found = list(body.values()) if isinstance(body, Mapping) else body
    if isinstance(found, list) and all(isinstance(each, Mapping) for each in found):
        return found
    raise ValueError("with a list of records")


def expect_ids(body: Any) -> Sequence[Any]:
    """Return a list of ids, or of objects with ids."""
    if isinstance(body, list) and all(isinstance(each, str | Mapping) for each in body):
        return body
    raise ValueError("with a list of ids")


def expect_page(key: str) -> Expect[Any]:
    """Return what expects a list of records, or an object that holds it under a name."""

    def expect(body: Any) -> Any:
        if isinstance(body, Mapping) and isinstance(body.get(key), list):
            expect_records(body[key])
            return body
        if isinstance(body, list):
            return expect_records(body)
        raise ValueError("with a page of records")

    return expect


def expect_field(name: str) -> Expect[Mapping[str, Any]]:
    """Return what expects an object with something under a name."""

    def expect(body: Any) -> Mapping[str, Any]:
        if isinstance(body, Mapping) and body.get(name):
            return body
        raise ValueError(f"with a {name}")

    return expect


def expect_text(body: Any) -> str:
    """Return a text that is not empty."""
    if isinstance(body, str) and body:
        return body
    raise ValueError("with a text")
