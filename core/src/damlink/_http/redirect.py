"""Rules of redirects: what may be sent to the new address, and what a failure after one proves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

import httpx

from damlink._http.origin import origin_of
from damlink._http.outcome import as_unclear
from damlink.errors import ConnectorError, UnclearError

__all__ = ["follow", "is_same_but_for_slash", "unclear_once_moved"]

_HARMLESS_HEADERS: Final = ("accept", "accept-encoding", "range", "if-range", "user-agent")


def follow(client: httpx.Client, request: httpx.Request, response: httpx.Response) -> httpx.Request | None:
    """Return the request that a redirect asks for, or `None` if the answer is no redirect.

    Method and body stay within our origin. Another origin gets a GET with harmless headers only; a 303
    always becomes a GET.
    """
    if not response.has_redirect_location:
        return None
    target = request.url.join(response.headers["location"])
    keeps = response.status_code != httpx.codes.SEE_OTHER and request.method != "GET"
    if keeps and origin_of(target) == origin_of(request.url):
        return httpx.Request(
            request.method,
            target,
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
    headers = {name: request.headers[name] for name in _HARMLESS_HEADERS if name in request.headers}
    return client.build_request("GET", target, headers=headers)


@contextlib.contextmanager
def unclear_once_moved(has_moved: bool) -> Iterator[None]:
    """Make every failure unclear after a redirect: the redirecting server may have acted before."""
    try:
        yield
    except UnclearError:
        raise
    except ConnectorError as error:
        if has_moved:
            raise as_unclear(error) from error
        raise


def is_same_but_for_slash(one: httpx.URL, other: httpx.URL) -> bool:
    """Return whether two addresses differ only in a final slash, which services redirect before they act."""
    return one.copy_with(path=f"{one.path.rstrip('/')}/") == other.copy_with(
        path=f"{other.path.rstrip('/')}/"
    )
