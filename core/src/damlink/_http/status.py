"""Conversion of an answer's status to an error."""

from __future__ import annotations

import email.utils
import time
from typing import Any

import httpx

from damlink._http.outcome import PLUGIN_CLASSIFY
from damlink._secret import redact
from damlink.errors import (
    AssetRejectedError,
    AuthError,
    ConnectorError,
    DamlinkError,
    PluginBugError,
    TransientError,
    UnavailableError,
    UnclearError,
)

__all__ = [
    "name_request",
    "other_host_error",
    "partner_error",
    "plugin_error",
    "retry_after",
    "shorten_body",
]

_WAIT_AND_SEE = frozenset({408, 425, 429})


def partner_error(response: httpx.Response, repeatable: bool) -> ConnectorError | None:
    """Return the error of an answer of the partner's own API, or `None`.

    Args:
        repeatable: whether the request may be repeated. If not, a 5xx leaves unclear whether
            it happened.
    """
    status = response.status_code
    if status < 400:
        return None
    said = f"{response.request.url.host} answered {status} to {response.request.method} {response.url.path}"
    body = shorten_body(response)
    message = f"{said}: {body}" if body else said
    if status in (401, 403):
        hint = "check the credentials and their rights"
        return AuthError(message, hint=hint, status=status, body=body)
    if status in _WAIT_AND_SEE or (status >= 500 and repeatable):
        return TransientError(message, retry_after=retry_after(response), status=status, body=body)
    if status >= 500:
        return UnclearError(message, status=status, body=body)
    return AssetRejectedError(message, status=status, body=body)


def plugin_error(response: httpx.Response) -> ConnectorError | None:
    """Return the error of the plugin's `classify` for an answer, or `None`.

    Missing attributes of the error are set from the answer: status, body and `Retry-After`.
    """
    classify = response.request.extensions.get(PLUGIN_CLASSIFY)
    if classify is None or response.status_code < 400:
        return None
    try:
        error: ConnectorError | None = classify(response)
    except ConnectorError as raised:
        error = raised
    except DamlinkError as raised:
        error = PluginBugError(f"classify raised {type(raised).__name__}; return a ConnectorError or None")
    return None if error is None else _complete(error, response)


def _complete(error: ConnectorError, response: httpx.Response) -> ConnectorError:
    error.status = response.status_code if error.status is None else error.status
    error.body = error.body or shorten_body(response)
    if isinstance(error, TransientError) and error.retry_after is None:
        error.retry_after = retry_after(response)
    return error


def other_host_error(response: httpx.Response, repeatable: bool) -> ConnectorError | None:
    """Return the error of an answer of another host, such as a download, or `None`.

    It is neither an `AuthError`, since the host gets no credentials, nor an `AssetRejectedError`, since an
    expired address is renewed.
    """
    status = response.status_code
    if status < 400:
        return None
    message = f"{response.request.url.host} answered {status} to {response.request.method}"
    if status in _WAIT_AND_SEE or (status >= 500 and repeatable):
        return TransientError(message, retry_after=retry_after(response), status=status)
    if status >= 500:
        return UnclearError(message, status=status)
    return UnavailableError(message, status=status)


def name_request(
    error: ConnectorError, request: httpx.Request, own: httpx.URL, response: httpx.Response | None = None
) -> ConnectorError:
    """Note in an error which request failed, for the history of the asset; return the error.

    Args:
        own: the origin that we are signed in to; the path of another address may be a secret.
    """
    at_home = request.url.netloc == own.netloc
    named: dict[str, Any] = {"method": request.method}
    named["route"] = f"{request.url.host}{request.url.path if at_home else '/…'}"
    if response is not None:
        named |= {"status": response.status_code, "request_id": response.headers.get("x-request-id")}
    error.request = {name: value for name, value in named.items() if value is not None}
    return error


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds of an answer's `Retry-After`, in either form, or `None`."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def shorten_body(response: httpx.Response) -> str:
    """Return the beginning of an answer's body in one line, with secrets redacted."""
    text = " ".join(redact(response.text).split())
    return text if len(text) <= 200 else f"{text[:199]}…"
