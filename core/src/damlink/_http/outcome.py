"""What became of a request that must not be repeated: it was done, it was not, or nobody can tell.

Done: a 2xx that holds what it must bring. Not done: what provably was not sent, a 429, or a 4xx with
the other side's own error in it. Everything else is unclear, whatever its status is: gateways and
proxies answer in the name of services that have acted.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, TypeVar

import httpx

from damlink.errors import (
    AssetRejectedError,
    AuthError,
    ConnectorError,
    NotYet,
    TransientError,
    UnclearError,
)

__all__ = [
    "ACCEPTED",
    "CLASSIFY",
    "ERROR_FIELDS",
    "IDEMPOTENT",
    "PLUGIN_CLASSIFY",
    "REFUSES",
    "Refuses",
    "as_unclear",
    "broken_error",
    "is_refused",
    "is_repeatable",
    "is_same_but_for_slash",
    "json_object",
    "may_refuse",
    "partner_refuses",
    "unclear_once_moved",
    "understood",
]

# Extensions of a request.
IDEMPOTENT: Final = "damlink.idempotent"  # its caller says that twice is as good as once
ACCEPTED: Final = "damlink.accepted"  # statuses that are answers to read
ERROR_FIELDS: Final = "damlink.error-fields"  # one of these holds the text of a refusal; none: any field
REFUSES: Final = "damlink.refuses"  # the client's `Refuses`
PLUGIN_CLASSIFY: Final = "damlink.plugin-classify"  # the plugin's `classify`, or `None`
CLASSIFY: Final = "damlink.classify"  # what turns the answers of another host into errors

_REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_TIMED_OUT: Final = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY)  # gateways say so
_UNDERSTOOD: Final = (NotYet, AuthError, AssetRejectedError, UnclearError)  # what a reader may find out

Refuses = Callable[[httpx.Response], bool]
"""Whether an answer is the other side's own word that it did nothing."""

T = TypeVar("T")


def is_repeatable(request: httpx.Request) -> bool:
    """Whether sending it twice does no more than sending it once."""
    return request.method in _REPEATABLE or bool(request.extensions.get(IDEMPOTENT))


def understood(response: httpx.Response, read: Callable[[httpx.Response], T], accept: Collection[int]) -> T:
    """Return what `read` makes of an answer.

    Raises:
        UnclearError: it is no success, or `read` does not find what it must bring.
    """
    if not response.is_success and response.status_code not in accept:
        raise _unclear(response, "which says neither yes nor no")
    try:
        return read(response)
    except _UNDERSTOOD:
        raise
    except Exception as error:
        cause = str(error) or type(error).__name__
        raise _unclear(response, f"which cannot be understood: {cause}") from error


def _unclear(response: httpx.Response, why: str) -> UnclearError:
    request, status = response.request, response.status_code
    said = f"{request.url.host} answered {status} to {request.method} {request.url.path}"
    return UnclearError(f"{said}, {why}", status=status)


def as_unclear(error: ConnectorError) -> UnclearError:
    """Return the same as an `UnclearError`."""
    if isinstance(error, UnclearError):
        return error
    return UnclearError(str(error.args[0]), status=error.status, body=error.body)


def broken_error(error: httpx.RequestError, request: httpx.Request) -> ConnectorError:
    """Return the error of a request that got no answer, half of one, or one that cannot be read."""
    renewing = error.request.url != request.url  # it was the token request: ours never left
    host = error.request.url.netloc.decode("ascii")
    cause = str(error) or type(error).__name__
    if isinstance(error, _NOT_SENT):
        hint = "check the address in the config, and the network"
        return TransientError(f"cannot reach {host}: {cause}", hint=hint)
    what = f"{request.method} {host}"
    if is_repeatable(request) or renewing:
        return TransientError(f"no whole answer to {what}: {cause}")
    return UnclearError(f"no answer to {what}: {cause}")


@contextlib.contextmanager
def unclear_once_moved(has_moved: bool) -> Iterator[None]:
    """Make every failure unclear after a redirect: the one who redirected may have acted before."""
    try:
        yield
    except UnclearError:
        raise
    except ConnectorError as error:
        if has_moved:
            raise as_unclear(error) from error
        raise


def is_same_but_for_slash(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two addresses differ in a slash at their end, to which services redirect before they act."""
    return one.copy_with(path=f"{one.path.rstrip('/')}/") == other.copy_with(
        path=f"{other.path.rstrip('/')}/"
    )


# --- refusals --------------------------------------------------------------------------------------


def partner_refuses(response: httpx.Response) -> bool:
    """Tell whether a 4xx holds a JSON object with texts in it: in one of the request's `ERROR_FIELDS`, if it
    names some, otherwise in any field.
    """
    if not may_refuse(response):
        return False
    names = response.request.extensions.get(ERROR_FIELDS) or ()
    found = json_object(response)
    return any(isinstance(found.get(name), str | list) and found[name] for name in names or found)


def may_refuse(response: httpx.Response) -> bool:
    """Whether a status can be a refusal at all: a 4xx, but for those of a request that took too long."""
    return response.is_client_error and response.status_code not in _TIMED_OUT


def json_object(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer; an empty one if it holds none."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def is_refused(response: httpx.Response) -> bool:
    """Whether the request of a 401 can be signed anew and sent again."""
    refuses: Refuses | None = response.request.extensions.get(REFUSES)
    return refuses is None or is_repeatable(response.request) or refuses(response)
