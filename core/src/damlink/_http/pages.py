"""Requests that belong together: the pages of a list, and the questions until something is ready."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from damlink._http.retry import call_until
from damlink._system.backoff import Backoff
from damlink.errors import NotYet, TransientError

if TYPE_CHECKING:
    from damlink._http.client import Client

__all__ = ["read_pages", "wait_for"]

T = TypeVar("T")


def _find_next(response: httpx.Response) -> str | None:
    """Return the address of the next page in the header `Link`."""
    return response.links.get("next", {}).get("url")


def read_pages(
    http: Client,
    url: str,
    params: Mapping[str, Any] | None = None,
    *,
    following: Callable[[httpx.Response], str | Mapping[str, Any] | None] | None = None,
) -> Iterator[httpx.Response]:
    """Yield the answer for each page of a list. A page is requested when the one before has been used.

    Args:
        http: such as `ctx.http`.
        url: of the first page.
        params: of its query.
        following: takes an answer, and returns the address of the next page, or the parameters that differ in
            its query, or nothing behind the last page. By default, the address in the header `Link`.

    Raises:
        TransientError: the next page is one that was read before.
    """
    query, seen = dict(params or {}), set()
    while True:
        request = http.build_request("GET", url, params=query or None)
        if (address := hash(str(request.url))) in seen:
            raise TransientError(f"the pages of {request.url.path} go in circles")
        seen.add(address)
        response = http.send(request)
        yield response
        step = (following or _find_next)(response)
        if not step:
            return
        if isinstance(step, str):
            url, query = str(request.url.join(step)), {}
        else:
            query |= step


def wait_for(
    http: Client,
    ask: Callable[[], T | None],
    what: str,
    *,
    seconds: float = 60.0,
    backoff: Backoff | None = None,
) -> T:
    """Ask until there is an answer, with pauses that double. A stop of the run ends them.

    Keep it short: the asset occupies a transfer thread meanwhile. After these seconds the asset waits by
    itself, and the hook is called again.

    Args:
        http: such as `ctx.http`, whose pauses a stop ends.
        ask: returns `None` as long as there is nothing.
        what: is waited for, for people, such as "the conversion".
        seconds: of all pauses together.
        backoff: the pauses; by default 1 second, doubling up to 10.

    Raises:
        NotYet: there is no answer yet.
        StoppedError, LeaseLostError: the run ends.
    """
    pauses = backoff or Backoff(1.0, 10.0)
    answer = call_until(ask, pauses, seconds, http.pause)
    if answer is None:
        raise NotYet(f"waiting for {what}", retry_after=pauses.longest_seconds)
    return answer
