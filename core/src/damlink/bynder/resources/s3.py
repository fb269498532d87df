"""Classification of S3's answers: send the part again, or begin a new upload.

Source: Amazon S3, "Error responses": an XML document with a `Code`.
"""

from __future__ import annotations

import re
from typing import Final

import httpx

from damlink._http.status import retry_after
from damlink.errors import ConnectorError, TransientError, UnavailableError

__all__ = ["PartTooLargeError", "StorageRefusedError", "s3_error"]

_CODE: Final = re.compile(rb"<Code>(\w{1,80})</Code>")
_MESSAGE: Final = re.compile(r"<Message>([^<]{1,200})")
# An error document of S3 is smaller; the page of a proxy may not be.
_HEAD_BYTES: Final = 4096
# Codes with a status below 500 that a repeated request may not get.
_REPEATABLE: Final = frozenset(
    {"RequestTimeout", "IncompleteBody", "BadDigest", "OperationAborted", "ConditionalRequestConflict"}
    | {"RequestTimeTooSkewed", "SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded"}
)


class StorageRefusedError(UnavailableError):
    """S3 refuses the whole upload, for example because its policy has expired. A new one is needed."""


class PartTooLargeError(StorageRefusedError):
    """S3, or a proxy on the way to it, refuses a part of this size. Smaller parts are needed."""


def s3_error(response: httpx.Response, repeatable: bool) -> ConnectorError | None:  # noqa: ARG001
    """Return the error for an answer of S3 to a part, or `None`.

    A refusal that is not an XML document of S3 comes from a proxy and does not concern the upload.
    """
    status = response.status_code
    if status < 300:
        return None
    code = _code(response)
    said = f"S3 answered {status} {code or 'without a code of its own'} to a part"
    words = _MESSAGE.search(response.text[:_HEAD_BYTES]) if code else None
    message = f"{said}: {words[1]}" if words else said
    if code == "EntityTooLarge" or status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
        return PartTooLargeError(message, status=status)
    passes = status < 400 or status in (408, 425, 429) or status >= 500
    if passes or not code or code in _REPEATABLE:
        return TransientError(message, retry_after=retry_after(response), status=status)
    return StorageRefusedError(message, status=status)


def _code(response: httpx.Response) -> str:
    match = _CODE.search(response.content[:_HEAD_BYTES])
    return match[1].decode("ascii") if match else ""
