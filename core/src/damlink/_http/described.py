"""The answer that an error is about: its status, id, body and headers, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import httpx

from damlink._http.redact import is_secret_name
from damlink._secret import REDACTED, redact
from damlink.errors import ConnectorError

__all__ = ["describe", "shorten_text"]

# Characters of a body, and of the value of a header.
MOST_BODY: Final = 2000
MOST_VALUE: Final = 500
# Those of Bynder, of Amazon's services, and of gateways.
_REQUEST_IDS: Final = ("x-request-id", "x-amz-request-id", "x-amzn-requestid", "x-correlation-id")
# An address of a redirect may be one that gives access to a file.
_ADDRESSES: Final = ("location", "content-location", "refresh")
_SHORTEST: Final = 4  # characters of a part of an address that is taken out of a text

E = TypeVar("E", bound=ConnectorError)


def describe(error: E, response: httpx.Response, *, is_own: bool = True) -> E:
    """Note in an error the answer that it is about; return the error. What it has already stays.

    Args:
        is_own: the answer is of the origin that we are signed in to; the address of another may be a secret.
    """
    if error.headers:
        return error
    error.status = response.status_code if error.status is None else error.status
    error.body = error.body or shorten_text(response, is_own=is_own)
    error.request_id = request_id(response)
    error.headers = _headers(response)
    return error


def request_id(response: httpx.Response) -> str | None:
    """Return the id by which the other side's support finds the request."""
    found = (response.headers.get(name) for name in _REQUEST_IDS)
    return next((redact(each)[:MOST_VALUE] for each in found if each), None)


def shorten_text(response: httpx.Response, *, is_own: bool = True) -> str:
    """Return the beginning of a body, without secrets; empty if it was not read."""
    if not hasattr(response, "_content"):
        return ""
    # Redacted before it is shortened: a secret cut in half is not found.
    text = redact(response.text)
    if not is_own:
        text = _without_address(text, response.request.url)
    return text if len(text) <= MOST_BODY else f"{text[: MOST_BODY - 1]}…"


def _without_address(text: str, url: httpx.URL) -> str:
    """Return a text without the path and the parameters of an address, which services repeat in refusals."""
    for part in (url.raw_path.decode("ascii"), url.path.lstrip("/"), *url.params.values()):
        if len(part) >= _SHORTEST:
            text = text.replace(part, REDACTED)
    return text


def _headers(response: httpx.Response) -> Mapping[str, str]:
    return {
        name: REDACTED if is_secret_name(name) or name in _ADDRESSES else redact(value)[:MOST_VALUE]
        for name, value in response.headers.items()
    }
