"""What an answer of a partner means: the one place where a status becomes an error."""

from __future__ import annotations

import email.utils
import time
from datetime import UTC, datetime, timedelta

import httpx

from damlink._secret import redact
from damlink.errors import (
    AssetRejectedError,
    AuthError,
    ConnectorError,
    TransientError,
    UnavailableError,
    UnclearError,
)

__all__ = ["clock_ahead", "partner_error", "retry_after", "shorten_body", "stranger_error"]

_WAIT_AND_SEE = frozenset({408, 425, 429})


def partner_error(response: httpx.Response, repeatable: bool) -> ConnectorError | None:
    """The error that an answer of the partner's own API stands for, or `None`.

    Args:
        repeatable: whether the request may be sent again. If not, a 5xx leaves it unclear whether
            it happened.
    """
    status = response.status_code
    if status < 400:
        return None  # a redirect of a stream, whose body nobody has read
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


def stranger_error(response: httpx.Response, repeatable: bool) -> ConnectorError | None:
    """The error that an answer of another host stands for: a download, say. It says nothing of our
    credentials, which it never saw, nor of the asset: an expired address is offered anew.
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


def retry_after(response: httpx.Response) -> float | None:
    """The seconds that an answer asks to wait, from either form of `Retry-After`."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def clock_ahead(response: httpx.Response, known: timedelta) -> timedelta:
    """How far the other side's clock is ahead of ours by an answer's date; `known` if it has none."""
    try:
        told = email.utils.parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return known
    return told.astimezone(UTC) - datetime.now(UTC)


def shorten_body(response: httpx.Response) -> str:
    """The first words of an answer's body, in one line; no secret is cut in half."""
    text = " ".join(redact(response.text).split())
    return text if len(text) <= 200 else f"{text[:199]}…"
