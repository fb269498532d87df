"""Gelato's answers: requests sent, JSON read, statuses understood. Nothing else knows its JSON.

Source: assumed, see docs/reference/assumptions.md; dashboard.gelato.com/docs for the catalog.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from damlink import AssetRejectedError, AuthError, Client, Response, TransientError
from damlink_gelato.auth import key_header
from damlink_gelato.request_body import ContentFile, Order
from damlink_gelato.settings import GelatoSettings

__all__ = ["PROCESSING", "AgainError", "Import", "check_key", "send", "status"]

ACCEPTED: Final = 202
NOT_FOUND: Final = 404
CONFLICT: Final = 409
UNPROCESSABLE: Final = 422

PROCESSING: Final = "processing"
FAILED: Final = "failed"
_READ: Final = frozenset({400, 404, 409, 413, 415, 422})  # statuses whose meaning stands in the body
_UNREACHABLE: Final = "FILE_URL_UNREACHABLE"


class AgainError(TransientError):
    """Worth another try at once: Gelato could not fetch the file, or answered with something else."""


class Import(msgspec.Struct, rename="camel"):
    """What Gelato says of a file that it was given; also the shape of its errors."""

    file_id: str | int | None = None
    status: Any = None
    checkout_url: str | None = None
    folder: str | None = None
    code: Any = None  # a text; nobody promises it, nor the next
    message: Any = None

    @property
    def id(self) -> str:
        """The file's id; empty if it has none."""
        return "" if self.file_id is None else str(self.file_id)

    @property
    def has_failed(self) -> bool:
        """Whether Gelato has given up on the file."""
        return self._word == FAILED

    @property
    def is_ready(self) -> bool:
        """Whether the file is in the library. A word we do not know means: not yet."""
        return self._word in ("", "available")

    @property
    def _word(self) -> str:
        return self.status.lower() if isinstance(self.status, str) else ""  # errors may repeat their number

    @property
    def said(self) -> str:
        """The reason given."""
        return ": ".join(str(part) for part in (self.code, self.message) if part) or "no reason given"


def send(http: Client, order: Order, url: str | None) -> Import:
    """Have a file imported. Safe to repeat: the key makes the same original one file.

    Args:
        url: where Gelato is to fetch it; `None`: its bytes are sent along.

    Raises:
        AgainError: Gelato could not fetch it from there, or its answer cannot be read.
        AssetRejectedError: Gelato will not have it.
        AuthError: the key is refused, or the account unknown.
    """
    address, headers = order.settings.import_address(), {"Idempotency-Key": order.key}
    response = http.post(address, headers=headers, idempotent=True, accept=_READ, **_body(order, url))
    return _told(response) if response.status_code < 400 else _refused(response)


def _body(order: Order, url: str | None) -> dict[str, Any]:
    if url is not None:
        return {"json": order.by_address(url)}
    original = order.file.original
    file = (original.filename, ContentFile(order.file.content), original.media_type)
    return {"data": order.as_form(), "files": {"file": file}}


def status(http: Client, settings: GelatoSettings, file_id: str) -> Import | None:
    """What became of a file; `None` if Gelato does not know it."""
    try:
        response = http.get(settings.status_address(file_id))
    except AssetRejectedError as error:
        if error.status == NOT_FOUND:
            return None
        raise
    return _told(response, file_id)


def check_key(http: Client, settings: GelatoSettings) -> None:
    """Ask for the catalogs: any good key may see them.

    Raises:
        AuthError: the key is refused.
    """
    try:
        response = http.get(settings.catalog_url, headers=key_header(settings))
    except (AuthError, TransientError) as error:
        if error.status not in (401, 403):
            raise
        raise AuthError(f"Gelato refuses the API key ({error.status})", hint="set api_key anew") from error
    _read(response, object)


def _told(response: Response, file_id: str = "") -> Import:
    """What an answer says of a file, which need not be named where it was asked for by its id."""
    found = _read(response, Import)
    if response.status_code == ACCEPTED:
        found.status = found.status or PROCESSING
    elif found.code and not found.id:  # a reason in place of a file
        found.status = found.status or FAILED
    found.file_id = found.id or file_id
    if not found.id and not found.has_failed:
        raise TransientError(f"Gelato's answer to {_call(response)} names no file")
    return found


def _refused(response: Response) -> Import:
    """What a refusal means: the one place where a status of the import becomes an error."""
    code, found = response.status_code, _words(response)
    if not (found.code or found.message or found.id):
        raise AgainError(f"Gelato's answer to {_call(response)} is not in its own form ({code})", status=code)
    if code == NOT_FOUND:
        hint = "check import_url and account_id"
        raise AuthError(f"Gelato does not know the account: {found.said}", hint=hint, status=code)
    if code == CONFLICT and found.id:  # imported earlier
        return found
    if code == CONFLICT:
        raise TransientError(f"Gelato says {found.said} (409), and names no file", status=code)
    if code == UNPROCESSABLE and found.code in (None, _UNREACHABLE):
        raise AgainError(f"Gelato cannot fetch the file: {found.said}", status=code)
    raise AssetRejectedError(f"Gelato will not have it ({code}): {found.said}", status=code)


def _words(response: Response) -> Import:
    """The body of a refusal; one that is not in Gelato's form says nothing."""
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
