"""Classification of the portal's answers, and the forms of its requests.

A status of Bynder's becomes an error only here.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

from damlink._http.client import Client
from damlink._http.described import describe, shorten_text
from damlink._http.outcome import IDEMPOTENT, json_object, may_refuse
from damlink._http.status import retry_after, shorten_body
from damlink._http.transports import has_failed_before
from damlink._secret import redact
from damlink.bynder._rights import permission_hint
from damlink.bynder.records.convert import decode, records, text
from damlink.errors import (
    ArgumentError,
    BynderAuthError,
    BynderError,
    ConnectorError,
    TransientError,
    UnclearError,
)

__all__ = [
    "bynder_error",
    "bynder_refuses",
    "omit_none",
    "patch",
    "post_either",
    "read_json",
    "remove",
    "segment",
    "send_again",
]

_EXPIRED: Final = b"Invalid or expired token"
_FILES_SERVICE: Final = "/v7/file_cmds/"
_NO_SUCH_PATH = (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED)


def bynder_error(response: httpx.Response, repeatable: bool) -> ConnectorError | None:
    """Return the error that an answer of the portal means, or `None`.

    A 303 is not an error: it is the answer to a save while the upload is converted.

    Source: Bynder's published definitions (bodies of errors); api.bynder.com, "rate limiting".
    """
    status = response.status_code
    if status < 400:
        return None
    words, wants_repeat = _read_message(response)
    message = f"{response.request.url.host}: {words or 'no reason given'} ({status}, {_call(response)})"
    if status == httpx.codes.UNAUTHORIZED:
        hint = "the portal refused the credentials: check the portal's token or client in the config"
        return BynderAuthError(message, hint=hint, status=status, body=shorten_text(response))
    if status == httpx.codes.FORBIDDEN:
        hint = permission_hint(response.request.method, response.request.url.path)
        return BynderAuthError(message, hint=hint, status=status, body=shorten_text(response))
    if status == httpx.codes.TOO_MANY_REQUESTS or wants_repeat or (status >= 500 and repeatable):
        return TransientError(
            message, retry_after=retry_after(response), status=status, body=shorten_text(response)
        )
    if status >= 500:
        return UnclearError(message, status=status, body=shorten_text(response))
    return BynderError(message, status=status, body=shorten_text(response))


def bynder_refuses(response: httpx.Response) -> bool:
    """Return whether an answer is the portal's own error in a published form, not a page of a gateway.

    Source: Bynder's published definitions: an object with a text, 401 as text, 403 in workflow as `{}`,
    400 of the files service without a body. An answer with `retry` asks for the same request again.
    """
    body = json_object(response)
    if body.get("retry"):
        return True
    if not may_refuse(response):
        return False
    return _is_bare_refusal(response) or any(isinstance(each, str | list) and each for each in body.values())


def _is_bare_refusal(response: httpx.Response) -> bool:
    status, body = response.status_code, response.content.strip()
    if status == httpx.codes.UNAUTHORIZED:
        return body.startswith(_EXPIRED)
    if status == httpx.codes.FORBIDDEN:
        return body == b"{}"
    files_service = response.request.url.path.startswith(_FILES_SERVICE)
    return status == httpx.codes.BAD_REQUEST and files_service and not body


def _call(response: httpx.Response) -> str:
    return f"{response.request.method} {response.request.url.path}"


def _read_message(response: httpx.Response) -> tuple[str, bool]:
    """Return the message of a body, and whether it asks for the same request again."""
    try:
        body = decode(response.content)
    except msgspec.DecodeError:
        return shorten_body(response), False
    if not isinstance(body, dict):
        return shorten_body(response), False
    words = body.get("message") or body.get("error") or _details(body.get("errors"))
    words = words or "; ".join(str(value) for value in body.values())
    return " ".join(redact(str(words)).split())[:200], bool(body.get("retry"))


def _details(errors: Any) -> str:
    """Return the texts of errors in the form of JSON:API."""
    return "; ".join(text(each.get("detail") or each.get("title")) for each in records(errors))


def read_json(response: httpx.Response) -> Any:
    """Return the JSON of an answer.

    Raises:
        TransientError: it is not JSON: a gateway under load sends HTML or an empty body.
    """
    try:
        return decode(response.content)
    except msgspec.DecodeError as error:
        message = f"{response.request.url.host} sent no JSON to {_call(response)}: {shorten_body(response)}"
        raise describe(TransientError(message), response) from error


def omit_none(**fields: Any) -> dict[str, Any]:
    """Return the arguments that are not `None`."""
    return {name: value for name, value in fields.items() if value is not None}


def segment(id: str) -> str:
    """Return an id as one segment of a path; a user name may contain any character.

    Raises:
        ArgumentError: it is empty; the path would name another resource.
    """
    if not id:
        raise ArgumentError("an id is missing", hint="give the id of the record")
    return urllib.parse.quote(id, safe="@")


def patch(client: Client, path: str, body: Mapping[str, Any]) -> httpx.Response:
    """PATCH a path with JSON; safe to repeat."""
    return client.request("PATCH", path, json=body, extensions={IDEMPOTENT: True})


def remove(client: Client, path: str, **options: Any) -> None:
    """DELETE a path. A 404 counts as done if an earlier attempt got no answer: it removed the record."""
    send_again(client, client.build_request("DELETE", path, **options), done=httpx.codes.NOT_FOUND)


def send_again(client: Client, request: httpx.Request, *, done: int) -> None:
    """Send a request that is safe to repeat.

    Args:
        done: status that counts as done if an earlier attempt got no answer: that one was executed.
    """
    try:
        client.send(request)
    except BynderError as error:
        if error.status != done or not has_failed_before(request):
            raise


def post_either(client: Client, published: str, seen: str, **options: Any) -> httpx.Response:
    """POST to the published path, or to one seen in use if the portal does not have it.

    Raises:
        BynderError: the portal has neither path, or not the record.
    """
    try:
        return client.post(published, idempotent=True, **options)
    except BynderError as error:
        if error.status not in _NO_SUCH_PATH:
            raise
        return _post_as_seen(client, seen, error, options)


def _post_as_seen(
    client: Client, path: str, first: BynderError, options: Mapping[str, Any]
) -> httpx.Response:
    try:
        return client.post(path, idempotent=True, **options)
    except BynderError as error:
        raise first if error.status in _NO_SUCH_PATH else error from error
