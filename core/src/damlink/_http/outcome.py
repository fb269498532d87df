"""Outcome of a request that must not be repeated: done, not done, or unclear.

Done: a 2xx with the required answer. Not done: provably not sent, a 429, or a 4xx with the other
side's own form of an error. Everything else is unclear, whatever its status is: gateways and
proxies answer in place of services that may have acted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
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
    "json_object",
    "may_refuse",
    "partner_refuses",
    "read_result",
]

# Extensions of a request.
IDEMPOTENT: Final = "damlink.idempotent"  # sending it twice is safe
ACCEPTED: Final = "damlink.accepted"  # statuses that are returned instead of raised
# The fields of which one contains the text of a refusal; none: any field.
ERROR_FIELDS: Final = "damlink.error-fields"
REFUSES: Final = "damlink.refuses"  # the client's `Refuses`
PLUGIN_CLASSIFY: Final = "damlink.plugin-classify"  # the plugin's `classify`, or `None`
CLASSIFY: Final = "damlink.classify"  # `Classify` for answers of another host

_REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
# Sent by gateways as well, so that they are no proof.
_TIMED_OUT: Final = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY)
# Errors that `read` may raise on purpose.
_UNDERSTOOD: Final = (NotYet, AuthError, AssetRejectedError, UnclearError)

Refuses = Callable[[httpx.Response], bool]
"""Returns whether an answer is the other side's own form of a refusal."""

T = TypeVar("T")


def is_repeatable(request: httpx.Request) -> bool:
    """Return whether sending a request twice has the same effect as sending it once."""
    return request.method in _REPEATABLE or bool(request.extensions.get(IDEMPOTENT))


def read_result(response: httpx.Response, read: Callable[[httpx.Response], T], accept: Collection[int]) -> T:
    """Return the result of `read` for an answer.

    Raises:
        UnclearError: the answer is no success, or `read` fails.
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
    """Convert an error to an `UnclearError`."""
    if isinstance(error, UnclearError):
        return error
    return UnclearError(str(error.args[0])).about(error)


def broken_error(error: httpx.RequestError, request: httpx.Request) -> ConnectorError:
    """Return the error of a request without an answer, or with an incomplete or unreadable one."""
    renewing = error.request.url != request.url  # a token request failed: ours was never sent
    host = error.request.url.netloc.decode("ascii")
    cause = str(error) or type(error).__name__
    if isinstance(error, _NOT_SENT):
        hint = "check the address in the config, and the network"
        return TransientError(f"cannot reach {host}: {cause}", hint=hint)
    what = f"{request.method} {host}"
    if is_repeatable(request) or renewing:
        return TransientError(f"no whole answer to {what}: {cause}")
    return UnclearError(f"no answer to {what}: {cause}")


# --- refusals --------------------------------------------------------------------------------------


def partner_refuses(response: httpx.Response) -> bool:
    """Return whether an answer is a 4xx with a JSON object that contains a text, in one of the request's
    `ERROR_FIELDS`, or in any field if it has none.
    """
    if not may_refuse(response):
        return False
    names = response.request.extensions.get(ERROR_FIELDS) or ()
    found = json_object(response)
    return any(isinstance(found.get(name), str | list) and found[name] for name in names or found)


def may_refuse(response: httpx.Response) -> bool:
    """Return whether a status can be a refusal: a 4xx, except those for timeouts."""
    return response.is_client_error and response.status_code not in _TIMED_OUT


def json_object(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer, or an empty one."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def is_refused(response: httpx.Response) -> bool:
    """Return whether the request of a 401 may be signed and sent again."""
    refuses: Refuses | None = response.request.extensions.get(REFUSES)
    return refuses is None or is_repeatable(response.request) or refuses(response)
