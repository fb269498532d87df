"""Files of assets: downloads, transformations, video streams.

Source: api.bynder.com, "Asset download", "Dynamic asset transformations", "Public links".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from damlink._content import Content
from damlink._http.client import Client
from damlink._http.remote import RemoteContent
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, get_body
from damlink.bynder._fields import uuid_of
from damlink.bynder._request import omit_none, segment
from damlink.bynder.records.assets import Asset, Download, PublicLinks
from damlink.errors import ArgumentError, BynderError

__all__ = ["AssetFiles"]

NOT_FOUND: Final = 404
# An address of Bynder's is valid for longer.
NEW_SECONDS: Final = 60.0


class AssetFiles:
    """Files of assets: downloads, transformations, video streams.

    Args:
        files: client for other hosts, without credentials and without rate limit.
    """

    def __init__(self, client: Client, files: Client) -> None:
        self._client = client
        self._files = files

    @action("Download Specific Asset Item")
    def download(
        self,
        id: str,
        *,
        item_id: str | None = None,
        version: int | None = None,
        type: Literal["original", "additional"] | None = None,
        hash: bool = False,
    ) -> Download:
        """Get a temporary address of a file of an asset; of the original by default.

        Args:
            id: of the asset.
            item_id: of one of the asset's files.
            version: number of the version whose original is wanted, counted from 1.
            type: `original` or `additional`.
            hash: treat `item_id` as a hashed id.

        Raises:
            ArgumentError: more than one of `item_id`, `version` and `type` is given.
            BynderError: status 404: the file does not exist; 400: it has another type.
            BynderAuthError: the profile may not download originals, or not those of archived, limited or
                watermarked assets.
        """
        if sum(each is not None for each in (item_id, version, type)) > 1:
            raise ArgumentError("a download is of an item, a version or a type, not of several of these")
        path = f"/api/v4/media/{segment(id)}"
        if item_id is not None:
            path = f"{path}/download/{segment(item_id)}/"
        else:
            path = f"{path}/download/" if version is None else f"{path}/{version}/download/"

        def ask() -> Download:
            return get_body(self._client, path, _expect_download, type=type, hash=hash or None)

        found = ask()
        content = _AssetContent(
            self._files,
            None,
            None,
            None,
            ask_address=_Addresses(found.url, lambda: ask().url).get,
            ask_name=lambda: self._name_of(id, item_id),
        )
        return found.open_by(content)

    @action()
    def content(
        self,
        id: str,
        *,
        item_id: str | None = None,
        filename: str | None = None,
        size: int | None = None,
        media_type: str | None = None,
    ) -> Content:
        """Read the original of an asset, or another of its files.

        The file is requested when it is first opened, from any offset, as often as needed. Each time a
        new temporary address is requested. The host of that address never receives the credentials.

        Args:
            id: of the asset.
            item_id: of one of the asset's files.
            filename: name with extension; by default the name in the answer or of the asset.
            size: bytes, if known: saves a request before the file is opened.
            media_type: such as `image/jpeg`, if known.
        """
        return _AssetContent(
            self._files,
            filename,
            size,
            media_type,
            ask_address=lambda: self.download(id, item_id=item_id).url,
            ask_name=lambda: self._name_of(id, item_id),
        )

    def _name_of(self, id: str, item_id: str | None) -> str:
        path = f"/api/v4/media/{segment(id)}/"
        asset = Asset.read(get_body(self._client, path, expect_object, versions=True if item_id else None))
        items = (item.filename for item in asset.items if item.id == item_id)
        return next(items, "") if item_id else asset.filename or f"{asset.name}.{asset.extension}"

    @action("Generate Dynamic Asset Transformation")
    def transform(
        self,
        id: str = "",
        *,
        name: str = "",
        io: Sequence[str] = (),
        focus_point: str | None = None,
        format: Literal["jpg", "png"] | None = None,
        quality: int | None = None,
        base_url: str | None = None,
    ) -> bytes:
        """Generate a picture of an asset on the fly: cropped, scaled, rotated and more.

        Args:
            id: of the asset.
            name: of the picture; may be empty.
            io: operations, applied in order, such as `transform:fill,width:800,height:600`.
            focus_point: centre of the operations as `x,y`, each from 0 to 1.
            format: `jpg` or `png`; WebP by default.
            quality: 1 to 100; has no effect on `png`.
            base_url: `transform_base_url` of the asset, instead of its id and name. Another host than
                the portal does not receive the credentials.

        Raises:
            BynderError: status 400: an operation is not supported; 404: the asset does not exist.
        """
        query = omit_none(io=[*io] or None, focuspoint=focus_point, format=format, quality=quality)
        if base_url:
            # The host of a picture may be a content delivery network.
            own = urlsplit(base_url).hostname == self._client.origin.host
            return (self._client if own else self._files).get(base_url, params=query).content
        wanted = [f"/transform/{segment(each)}/{segment(name) if name else ''}" for each in _forms(id)]
        try:
            return self._client.get(wanted[0], params=query).content
        except BynderError as error:
            if error.status != NOT_FOUND or len(wanted) == 1:
                raise
        return self._client.get(wanted[1], params=query).content

    @action()
    def public_links(self, id: str) -> PublicLinks:
        """Get the public addresses of a video stream.

        Args:
            id: of the asset.

        Raises:
            BynderError: status 404: the video has no public stream.
        """
        return PublicLinks.read(
            get_body(self._client, f"/api/1/assets/{segment(uuid_of(id))}/public-links", expect_object)
        )


def _expect_download(body: Any) -> Download:
    return Download.read(expect_object(body))


def _forms(id: str) -> Sequence[str]:
    """Return an id in the form published for transformations, then unchanged as other clients send it."""
    return list(dict.fromkeys((uuid_of(id), id)))


class _Addresses:
    """Addresses of one file: the first one once, while it is new, then another for each connection."""

    def __init__(self, first: str, ask: Callable[[], str]) -> None:
        self._first = first
        self._ask = ask
        self._is_old_at = time.monotonic() + NEW_SECONDS

    def get(self) -> str:
        """Return the address of the next connection."""
        first, self._first = self._first, ""
        return first if first and time.monotonic() < self._is_old_at else self._ask()


class _AssetContent(RemoteContent):
    """Content at a temporary address, which is requested again for every connection."""

    def __init__(
        self,
        client: Client,
        filename: str | None,
        size: int | None,
        media_type: str | None,
        *,
        ask_address: Callable[[], str],
        ask_name: Callable[[], str],
    ) -> None:
        super().__init__(client, "", filename)
        # The size in the portal's record counts as one answer.
        self._given_size = self._confirmed = size
        self._given_type = media_type
        self._ask_address = ask_address
        self._ask_name = ask_name

    def _address(self) -> str:
        self._url = self._ask_address()
        return self._url

    def _name_from_address(self) -> str:
        """Return the name that the asset has: a temporary address need not end in one."""
        self._filename = self._ask_name() or super()._name_from_address()
        return self._filename

    @property
    def size(self) -> int | None:
        """Bytes that the answer announces; before the first answer, the size given."""
        if self._facts is None and self._given_size is not None:
            return self._given_size
        return super().size or self._given_size

    @property
    def _announced(self) -> str:
        return self._given_type or ""

    @property
    def media_type(self) -> str:
        """Media type given, otherwise that of the answer."""
        return self._given_type or super().media_type
