"""The bytes of assets: downloads, transformations, streams.

Source: api.bynder.com, "Asset download", "Dynamic asset transformations", "Public links".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal
from urllib.parse import urlsplit

from damlink._content import Content
from damlink._http.client import Client
from damlink._http.remote import RemoteContent
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, get_body
from damlink.bynder._fields import uuid_of
from damlink.bynder._request import given, segment
from damlink.bynder.records.assets import Asset, Download, PublicLinks
from damlink.errors import ArgumentError, BynderError

__all__ = ["AssetFiles"]

NOT_FOUND: Final = 404


class AssetFiles:
    """The bytes of assets.

    Args:
        files: fetches from other hosts, unsigned and unpaced.
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
        """Where a file of an asset can be fetched for a short while: the original, if nothing else is said.

        Args:
            id: of the asset.
            item_id: of one of its files.
            version: the original of that version, counted from 1.
            type: `original` or `additional`.
            hash: `item_id` is a hashed one.

        Raises:
            ArgumentError: several of `item_id`, `version` and `type` are given.
            BynderError: status 404: there is no such file; 400: not of that type.
            BynderAuthError: the profile may not download originals, or not of archived, limited or
                watermarked assets.
        """
        if sum(each is not None for each in (item_id, version, type)) > 1:
            raise ArgumentError("a download is of an item, a version or a type, not of several of these")
        path = f"/api/v4/media/{segment(id)}"
        if item_id is not None:
            path = f"{path}/download/{segment(item_id)}/"
        else:
            path = f"{path}/download/" if version is None else f"{path}/{version}/download/"
        return Download.read(get_body(self._client, path, expect_object, type=type, hash=hash or None))

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
        """The bytes of an asset's original, or of one of its files.

        Fetched when first opened, from any offset, as often as needed; each time a temporary address is
        asked for anew. The host behind it never sees our credentials.

        Args:
            id: of the asset.
            item_id: of one of its files.
            filename: with its extension; if not given, as the answer or the asset names it.
            size: bytes, if known: saves asking before the first opening.
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
        """A picture of an asset made on the fly: cropped, scaled, turned and more.

        Args:
            id: of the asset.
            name: of the picture; it has none when this is empty.
            io: operations, applied in order, such as `transform:fill,width:800,height:600`.
            focus_point: `x,y`, each from 0 to 1: the centre of the operations.
            format: `jpg` or `png`; WebP if not given.
            quality: 1 to 100; of no effect for `png`.
            base_url: the asset's `transform_base_url`, instead of its id and name. Where it is another
                host, it does not see our credentials.

        Raises:
            BynderError: status 400: an operation is not supported; 404: there is no such asset.
        """
        query = given(io=[*io] or None, focuspoint=focus_point, format=format, quality=quality)
        if base_url:
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
        """Where a video is streamed from, for anybody.

        Args:
            id: of the asset.

        Raises:
            BynderError: status 404: it is not streamed.
        """
        return PublicLinks.read(
            get_body(self._client, f"/api/1/assets/{segment(uuid_of(id))}/public-links", expect_object)
        )


def _forms(id: str) -> Sequence[str]:
    """An id in the form that is published for transformations; then as it is, as other clients send it."""
    return list(dict.fromkeys((uuid_of(id), id)))


class _AssetContent(RemoteContent):
    """A file at an address that does not live long: every connection asks for a new one."""

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
        self._given_size = size
        self._given_type = media_type
        self._ask_address = ask_address
        self._ask_name = ask_name

    def _address(self) -> str:
        self._url = self._ask_address()
        return self._url

    def _name_from_address(self) -> str:
        """Such an address need not end in the file's name: the asset knows it."""
        self._filename = self._ask_name() or super()._name_from_address()
        return self._filename

    @property
    def size(self) -> int | None:
        """Bytes, as the answer announces them; before there is one, as given."""
        if self._facts is None and self._given_size is not None:
            return self._given_size
        return super().size or self._given_size

    @property
    def _announced(self) -> str:
        return self._given_type or ""

    @property
    def media_type(self) -> str:
        """As given, else as the answer names it."""
        return self._given_type or super().media_type
