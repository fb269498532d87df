"""Requests to Gelato's API and its answers. No other module knows its JSON.

Source: assumed, see docs/reference/assumptions.md; dashboard.gelato.com/docs for the catalog.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from damlink import AssetRejectedError, AuthError, Client, ContentFile, Response, TransientError
from damlink_gelato.auth import key_header
from damlink_gelato.request_body import ImportRequest
from damlink_gelato.settings import GelatoSettings

__all__ = ["PROCESSING", "AgainError", "Import", "check_key", "send", "status"]

ACCEPTED: Final = 202
BAD_REQUEST: Final = 400
NOT_FOUND: Final = 404
CONFLICT: Final = 409
UNPROCESSABLE: Final = 422

PROCESSING: Final = "processing"
FAILED: Final = "failed"
# Of these statuses only the body tells what they mean.
_READ: Final = frozenset({400, 404, 409, 413, 415, 422})
_UNREACHABLE: Final = "FILE_URL_UNREACHABLE"


class AgainError(TransientError):
    """Failure that another request may solve at once: Gelato could not fetch the file, or its answer is
    unreadable.
    """


class Import(msgspec.Struct, rename="camel"):
    """Gelato's record of an imported file; its errors have the same form."""

    file_id: str | int | None = None
    status: Any = None
    checkout_url: str | None = None
    folder: str | None = None
    # Usually texts, but their type is not documented.
    code: Any = None
    message: Any = None

    @property
    def id(self) -> str:
        """Return the file's id; empty if it has none."""
        return "" if self.file_id is None else str(self.file_id)

    @property
    def has_failed(self) -> bool:
        """Return whether Gelato could not import the file."""
        return self._word == FAILED

    @property
    def is_ready(self) -> bool:
        """Return whether the file is in the library. An unknown status means: not yet."""
        return self._word in ("", "available")

    @property
    def _word(self) -> str:
        # An error may repeat its HTTP status here, as a number.
        return self.status.lower() if isinstance(self.status, str) else ""

    @property
    def reason(self) -> str:
        """Return the reason that Gelato gives."""
        return ": ".join(str(part) for part in (self.code, self.message) if part) or "no reason given"


def send(http: Client, order: ImportRequest, url: str | None) -> Import:
    """Import a file. Safe to repeat: with the same idempotency key the same original stays one file.

    Args:
        url: address from which Gelato fetches the file; `None`: send its bytes.

    Raises:
        AgainError: Gelato could not fetch the file, or its answer is unreadable.
        AssetRejectedError: Gelato refuses the file.
        AuthError: Gelato refuses the key, or does not know the account.
    """
    address, headers = order.settings.import_address(), {"Idempotency-Key": order.key}
    response = http.post(address, headers=headers, idempotent=True, accept=_READ, **_body(order, url))
    return _read_import(response) if response.status_code < BAD_REQUEST else _read_refusal(response)


def _body(order: ImportRequest, url: str | None) -> dict[str, Any]:
    if url is not None:
        return {"json": order.by_address(url)}
    original = order.file.original
    file = (original.filename, ContentFile(order.file.content), original.media_type)
    return {"data": order.as_form(), "files": {"file": file}}


def status(http: Client, settings: GelatoSettings, file_id: str) -> Import | None:
    """Return the state of a file; `None` if Gelato does not know it."""
    try:
        response = http.get(settings.status_address(file_id))
    except AssetRejectedError as error:
        if error.status == NOT_FOUND:
            return None
        raise
    return _read_import(response, file_id)


def check_key(http: Client, settings: GelatoSettings) -> None:
    """Verify the key by a request for the catalogs, which any valid key may read.

    Raises:
        AuthError: Gelato refuses the key.
    """
    try:
        response = http.get(settings.catalog_url, headers=key_header(settings))
    except (AuthError, TransientError) as error:
        if error.status not in (401, 403):
            raise
        raise AuthError(f"Gelato refuses the API key ({error.status})", hint="set api_key anew") from error
    _read(response, object)


def _read_import(response: Response, file_id: str = "") -> Import:
    """Return the file of an answer. An answer to a request by id need not repeat the id."""
    found = _read(response, Import)
    if response.status_code == ACCEPTED:
        found.status = found.status or PROCESSING
    # A reason in place of a file: the import failed.
    elif found.code and not found.id:
        found.status = found.status or FAILED
    found.file_id = found.id or file_id
    if not found.id and not found.has_failed:
        raise TransientError(f"Gelato's answer to {_call(response)} names no file")
    return found


def _read_refusal(response: Response) -> Import:
    """Raise the error of a refused import; return the file if it was imported before."""
    code, found = response.status_code, _read_reason(response)
    if not (found.code or found.message or found.id):
        raise AgainError(f"Gelato's answer to {_call(response)} is not in its own form ({code})", status=code)
    if code == NOT_FOUND:
        hint = "check import_url and account_id"
        raise AuthError(f"Gelato does not know the account: {found.reason}", hint=hint, status=code)
    # An earlier request with the same key has imported it.
    if code == CONFLICT and found.id:
        return found
    if code == CONFLICT:
        raise TransientError(f"Gelato says {found.reason} (409), and names no file", status=code)
    if code == UNPROCESSABLE and found.code in (None, _UNREACHABLE):
        raise AgainError(f"Gelato cannot fetch the file: {found.reason}", status=code)
    raise AssetRejectedError(f"Gelato refuses the file ({code}): {found.reason}", status=code)


def _read_reason(response: Response) -> Import:
    """Return the body of a refusal; an empty one if it is not in Gelato's form."""
    try:
        return msgspec.json.decode(response.content, type=Import)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Import()


T = TypeVar("T")


def _read(response: Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise AgainError(f"Gelato's answer to {_call(response)} cannot be read: {error}") from error


def _call(response: Response) -> str:
    return f"{response.request.method} {response.request.url.path}"
