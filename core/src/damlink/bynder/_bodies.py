"""Checked bodies of the portal's answers. A request with an unexpected answer is repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import httpx

from damlink._http.client import Client
from damlink._http.described import describe
from damlink._http.retry import pause
from damlink._system.backoff import Backoff
from damlink.bynder._request import omit_none, read_json
from damlink.errors import ConnectorError, TransientError

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

# Number of requests before an unreadable answer is an error.
ATTEMPTS: Final = 3
_BACKOFF: Final = Backoff(first_seconds=0.25)
# What an answer that reports something has, and a record has more of.
_REPORTING: Final = frozenset({"success", "message", "statuscode", "error", "error_description", "errors"})

T = TypeVar("T")

Expect = Callable[[Any], T]
"""Function that returns the content of a body, or raises `ValueError` with what was expected."""


class UnreadableError(TransientError):
    """Unexpected answer of the portal to a request that may be repeated."""


def get_body(client: Client, path: str, expect: Expect[T], **query: Any) -> T:
    """GET a path of the portal, again if the answer is unreadable, and return the content of its body.

    Raises:
        TransientError: no answer can be read.
    """
    given = omit_none(**query)
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
    """Send a request that may be repeated, again if `read` cannot read the answer."""
    for earlier in range(ATTEMPTS - 1):
        try:
            return read(send())
        except UnreadableError:
            pause(_BACKOFF.pause_seconds(earlier))
    return read(send())


def read_body(response: httpx.Response, expect: Expect[T]) -> T:
    """Return the content of an answer's JSON.

    Raises:
        TransientError: it is not JSON, or not what is expected.
    """
    try:
        body = read_json(response)
    except TransientError as error:
        raise _unreadable(response, "without JSON") from error
    try:
        return expect(body)
    except ValueError as error:
        raise _unreadable(response, f"and not {error}") from error
    except ConnectorError as error:
        describe(error, response)
        raise


def _unreadable(response: httpx.Response, cause: str) -> UnreadableError:
    call = f"{response.request.method} {response.request.url.path}"
    message = f"{response.request.url.host} answered {response.status_code} to {call}, {cause}"
    return describe(UnreadableError(message), response)


# --- kinds of bodies --------------------------------------------------------------------------------


def expect_object(body: Any) -> Mapping[str, Any]:
    """Return an object that holds more than the report of a success or a failure."""
    if isinstance(body, Mapping) and body and not _is_report(body):
        return body
    raise ValueError("with a record")


def expect_mapping(body: Any) -> Mapping[str, Any]:
    """Return an object; the portal may send an empty one as an empty list."""
    if isinstance(body, Mapping) and not _is_report(body):
        return body
    if body == []:
        return {}
    raise ValueError("with an object")


def _is_report(body: Mapping[str, Any]) -> bool:
    return body.get("success") is False or bool(body and body.keys() <= _REPORTING)


def expect_records(body: Any) -> Sequence[Mapping[str, Any]]:
    """Return the objects of a list, or of an object that has them as values."""
    found = list(body.values()) if isinstance(body, Mapping) else body
    if isinstance(found, list) and all(isinstance(each, dict) for each in found):
        return found
    raise ValueError("with a list of records")


def expect_ids(body: Any) -> Sequence[Any]:
    """Return a list of ids, or of objects with ids."""
    if isinstance(body, list) and all(isinstance(each, str | Mapping) for each in body):
        return body
    raise ValueError("with a list of ids")


def expect_page(key: str) -> Expect[Any]:
    """Return a check for a list of records, or for an object with such a list under a name."""

    def expect(body: Any) -> Any:
        if isinstance(body, Mapping) and isinstance(body.get(key), list):
            expect_records(body[key])
            return body
        if isinstance(body, list):
            return expect_records(body)
        raise ValueError("with a page of records")

    return expect


def expect_field(name: str) -> Expect[Mapping[str, Any]]:
    """Return a check for an object that has a value under a name."""

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
