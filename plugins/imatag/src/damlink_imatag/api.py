"""Requests to Imatag's API and its answers. No other module knows its JSON or its paths.

Only the signing, the form of lists and the request id are published (imatag.com/api/doc). Paths, fields and
states are assumed; the paths are settings.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Final, TypeVar
from urllib.parse import quote

import msgspec

from damlink import AssetRejectedError, AuthError, Client, Content, Response, TransientError, origin_of
from damlink_imatag.settings import ImatagSettings

__all__ = ["FAILED", "READY", "Account", "Media", "account", "find", "open_marked", "state", "upload"]

# The default of the published lists.
PAGE: Final = 100
# A list that goes on in circles must end.
MOST_PAGES: Final = 1000
READY: Final = "ready"
FAILED: Final = "failed"
NOT_FOUND: Final = 404
_REQUEST_ID: Final = "X-Request-Id"

_log = logging.getLogger("damlink.imatag")  # below `damlink`, whose log the command line shows


class Account(msgspec.Struct):
    """Account of the credentials, with its home directories."""

    username: str | None = None
    homedirs: list[str] | None = None


class Media(msgspec.Struct):
    """One file of the library.

    Attributes:
        state: `received`, `processing`, `ready` or `failed`.
        sha256: hash of the uploaded file.
    """

    id: str | int
    path: str | None = None
    state: str | None = None
    sha256: str | None = None
    # Usually an object and two texts, but their types are not documented.
    metadata: Any = None
    error_code: Any = None
    error_message: Any = None

    @property
    def problem(self) -> str:
        """Return the reason of the failure, in Imatag's words."""
        return str(self.error_message or self.error_code or "no reason given")

    def may_hold(self, field: str, value: str) -> bool:
        """Return whether the metadata has a value; true if Imatag does not send the metadata."""
        return not isinstance(self.metadata, dict) or self.metadata.get(field, value) == value


class MediaPage(msgspec.Struct):
    """One page of the library; `next` is the address of the following page."""

    next: str | None
    media: list[Media]

    @classmethod
    def read(cls, data: bytes) -> MediaPage:
        """Read a page from Imatag's JSON. The name of the list in it is not published."""
        found = msgspec.json.decode(data, type=dict[str, Any])
        lists = (value for value in found.values() if isinstance(value, list) and value)
        media = next((each for each in lists if isinstance(each[0], dict)), [])
        return msgspec.convert({"next": found.get("next"), "media": media}, cls)


def account(http: Client, settings: ImatagSettings) -> Account:
    """Return the account of the credentials; an empty one if Imatag does not show it.

    Raises:
        AuthError: Imatag refuses the credentials.
    """
    try:
        return _read(http.get(settings.account_path), _ACCOUNT)
    except AuthError as error:
        what = "client_id and client_secret" if settings.client_id else "api_key"
        hint = f"set {what} to one that is valid; it is made in Imatag's account settings"
        message = f"Imatag refuses the credentials ({error.status}): {error.body}"
        raise AuthError(message, hint=hint, status=error.status, body=error.body) from error
    except AssetRejectedError as error:
        if error.status != NOT_FOUND:
            raise
        return Account()


def find(http: Client, settings: ImatagSettings, directory: str, media_id: str) -> list[Media]:
    """Return the media in a directory that hold the id of a Bynder asset."""
    field = settings.media_id_metadata
    query = {"directory": directory, f"metadata.{field}": media_id, "page_size": PAGE}
    try:
        found = list(_pages(http, settings.media_path, query))
    except AssetRejectedError as error:
        # The directory does not exist before the first upload.
        if error.status != NOT_FOUND:
            raise
        return []
    return [media for media in found if media.may_hold(field, media_id)]


def _pages(http: Client, path: str, query: Mapping[str, Any]) -> Iterator[Media]:
    page = _read(http.get(path, params=query), MediaPage.read)
    for _ in range(MOST_PAGES):
        yield from page.media
        if not page.next:
            return
        page = _read(http.get(_resolve(http, page.next)), MediaPage.read)
    raise TransientError(f"Imatag's list has more than {MOST_PAGES} pages")


def _resolve(http: Client, address: str) -> str:
    """Return the address of a page. It must be at Imatag: the key is sent to no other host."""
    url = http.origin.join(address)
    if origin_of(url) != origin_of(http.origin):
        raise TransientError(f"Imatag's list goes on at another host, {url.host}")
    return str(url)


def upload(
    http: Client, settings: ImatagSettings, path: str, media_id: str, file: BinaryIO, media_type: str
) -> Media:
    """Upload a file to the library, which marks it. Never repeated blindly: each upload makes another mark.

    Args:
        path: directory and name of the file.
        media_id: id of the Bynder asset.
        file: read from its beginning.

    Raises:
        UnclearError: the file may or may not have been uploaded.
        AssetRejectedError: Imatag refuses the file; status 409: the path is in use.
    """
    name = path.rpartition("/")[2]
    form = {"path": path, "metadata": json.dumps({settings.media_id_metadata: media_id})}
    files = {"file": (name, file, media_type)}
    return http.send_once("POST", settings.media_path, read=_read_upload, data=form, files=files)


def _read_upload(response: Response) -> Media:
    """Return the media of an upload.

    Raises:
        ValueError: the answer has no media.
    """
    media = _read(response, _MEDIA)
    if media.id == "":
        raise ValueError("it has no id")
    return media


def state(http: Client, settings: ImatagSettings, id: str) -> Media:  # noqa: A002 - the API's word
    """Return one media with its present state."""
    return _read(http.get(settings.one_media_path.format(id=quote(id, safe=""))), _MEDIA)


def open_marked(http: Client, settings: ImatagSettings, id: str, filename: str) -> Content:  # noqa: A002
    """Return the watermarked file of a media; it is requested when the content is opened."""
    return Content.from_url(http, settings.marked_path.format(id=quote(id, safe="")), filename)


T = TypeVar("T")
_ACCOUNT: Final = msgspec.json.Decoder(Account).decode
_MEDIA: Final = msgspec.json.Decoder(Media).decode


def _read(response: Response, read: Callable[[bytes], T]) -> T:
    _log.debug("%s answered as request %s", response.request.url.path, response.headers.get(_REQUEST_ID))
    try:
        return read(response.content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = f"Imatag's answer to {response.request.url.path} cannot be read: {error}"
        raise TransientError(message) from error
