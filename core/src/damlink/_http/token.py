"""Access tokens, and the answers of a token endpoint."""

from __future__ import annotations

import time
from typing import Final

import attrs
import httpx

from damlink._http.answer import AnswerLimits, read_answer
from damlink._http.described import describe
from damlink._http.outcome import json_object
from damlink._http.status import plugin_error, retry_after, shorten_body
from damlink._secret import Secret
from damlink.errors import AuthError, ConnectorError, TransientError

__all__ = ["Token", "read_token", "refusal_of", "token_of"]

# A token is renewed so long before it expires, at most.
MAX_MARGIN_SECONDS: Final = 60.0
# A longer lifetime is a mistake of the server.
MAX_LIFETIME_SECONDS: Final = 10 * 365 * 86400.0
# Assumed if the answer states no lifetime.
DEFAULT_LIFETIME_SECONDS: Final = 3600.0


@attrs.frozen
class Token:
    """An access token, with the time to renew it and its refresh token.

    Attributes:
        renew_at: seconds since 1970.
        version: how often the token in custody has been replaced.
    """

    access: Secret
    renew_at: float
    refresh: Secret | None = None
    version: int = attrs.field(default=0, eq=False)

    @property
    def fresh(self) -> bool:
        """True if the token need not be renewed yet."""
        return time.time() < self.renew_at


UNREADABLE_HINT: Final = "run again; if it answers so again, check the address of its token endpoint"
CLIENT_HINT: Final = "check the client id and secret"


def _cure(response: httpx.Response, refresh: Secret | None, refused: str) -> str:
    """Return what to do. Of a refresh token, only `invalid_grant` says that it has ended (RFC 6749, 5.2)."""
    if response.status_code < 400:
        return UNREADABLE_HINT
    error = json_object(response).get("error")
    if refresh is None or error == "invalid_grant":
        return refused
    return CLIENT_HINT if error == "invalid_client" else UNREADABLE_HINT


def read_token(response: httpx.Response, refresh: Secret | None, hint: str) -> Token:
    """Read the token from an answer of a token endpoint.

    Args:
        refresh: the refresh token to keep if the answer contains none.
        hint: the hint of the error if the endpoint refuses.

    Source: RFC 6749, section 6: an answer to a renewal may leave it out; the old one then stays valid.
    """
    # Not by httpx's `requires_response_body`, which would hold every download in memory.
    read_answer(response, AnswerLimits())
    if (late := _special_or_late(response)) is not None:
        raise late
    status = response.status_code
    answer = json_object(response) if status < 400 else {}
    access = answer.get("access_token")
    if not isinstance(access, str) or not access:
        said = shorten_body(response) if status >= 400 else "the answer holds none"
        # The body of a success may hold a token under another name.
        raise _make_refusal(response, said, _cure(response, refresh, hint))
    new_refresh = answer.get("refresh_token")
    return token_of(access, answer.get("expires_in"), Secret(new_refresh) if new_refresh else refresh)


def refusal_of(response: httpx.Response, hint: str) -> ConnectorError | None:
    """Return the error of an answer of 400 or above to a token request, or `None`.

    Args:
        hint: the hint of the error if the endpoint refuses.
    """
    error = _special_or_late(response)
    if error is not None or response.status_code < 400:
        return error
    return _make_refusal(response, shorten_body(response), hint)


def token_of(access: object, lifetime: object, refresh: Secret | None = None) -> Token:
    """Return the token of an answer; without a usable lifetime it has the default.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(access, str) or not access:
        raise ValueError("the answer holds no token")
    seconds = _seconds(lifetime)
    margin = min(MAX_MARGIN_SECONDS, seconds / 10)
    return Token(Secret(access), time.time() + seconds - margin, refresh)


def _make_refusal(response: httpx.Response, said: str, hint: str) -> ConnectorError:
    what = f"{response.request.url.host} gave no token ({response.status_code}): {said}"
    return describe(AuthError(what, hint=hint, body=said), response)


def _special_or_late(response: httpx.Response) -> ConnectorError | None:
    """Return the plugin's own error of an answer, or that of one that may be better later."""
    if (error := plugin_error(response)) is not None:
        return describe(error, response)
    host, status = response.request.url.host, response.status_code
    if status not in (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS) and status < 500:
        return None
    message = f"{host} answered {status} to a token request"
    return describe(TransientError(message, retry_after=retry_after(response), status=status), response)


def _seconds(value: object) -> float:
    """Return a lifetime in seconds, which some servers send as text, or the default."""
    try:
        seconds = float(str(value))
    except ValueError:
        return DEFAULT_LIFETIME_SECONDS
    return seconds if 0 < seconds < MAX_LIFETIME_SECONDS else DEFAULT_LIFETIME_SECONDS
