"""Assets of the asset bank.

Source: api.bynder.com, "Assets": retrieve, modify, delete; "Metaproperty options" of an asset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from damlink._http.client import Client
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_mapping, expect_object, get_body, read_again, read_body
from damlink.bynder._fields import fields, joined_tags, named, uuid_of
from damlink.bynder._request import given, remove, segment
from damlink.bynder.records.assets import Asset, SimilarAsset
from damlink.bynder.records.convert import records
from damlink.bynder.resources.asset_files import AssetFiles
from damlink.bynder.resources.asset_lists import AssetLists
from damlink.bynder.resources.metaproperties import Metaproperties
from damlink.errors import ArgumentError, BynderError

__all__ = ["Assets"]

_NOT_FOUND: Final = 404


class Assets(AssetLists, AssetFiles):
    """Assets of the asset bank: find, read, change, delete, download.

    Args:
        metaproperties: know which id is meant by a name.
        files: fetches from other hosts, unsigned.
    """

    def __init__(self, client: Client, metaproperties: Metaproperties, files: Client) -> None:
        AssetLists.__init__(self, client)
        AssetFiles.__init__(self, client, files)
        self._metaproperties = metaproperties

    @action("Get Asset")
    def get(
        self,
        id: str,
        *,
        versions: bool = False,
        stats: bool = False,
        related: bool = False,
    ) -> Asset:
        """One asset, as it is now: unlike a list, this does not lag behind.

        Args:
            id: of the asset.
            versions: with every file it has: versions, derivatives, additionals.
            stats: with how often it was seen and downloaded; needs the role STATISTICS.
            related: with the assets it is linked to.

        Raises:
            BynderError: status 404: there is none, or it is in the waiting room.
        """
        query = given(
            versions=versions or None, stats=stats or None, include="relatedAssets" if related else None
        )
        return Asset.read(get_body(self._client, _path(id), expect_object, **query))

    def find(self, id: str, *, versions: bool = False) -> Asset | None:
        """Return an asset as it is now; `None` if the portal does not show it.

        Args:
            id: of the asset.
            versions: with every file it has: versions, derivatives, additionals.
        """
        try:
            return self.get(id, versions=versions)
        except BynderError as error:
            if error.status != _NOT_FOUND:
                raise
            return None

    @action("Update Asset")
    def modify(
        self,
        id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        copyright: str | None = None,
        brand_id: str | None = None,
        tags: Sequence[str] | None = None,
        archive: bool | None = None,
        limited: bool | None = None,
        is_public: bool | None = None,
        date_published: datetime | None = None,
        archive_date: datetime | None = None,
        limited_date: datetime | None = None,
        watermark_date: datetime | None = None,
        custom_thumbnail_file_id: str | None = None,
        remove_custom_thumbnail: bool | None = None,
        metaproperties: Mapping[str, str | Sequence[str]] | None = None,
        create_options: bool = False,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Change an asset; what is not given stays, and an empty text clears. Safe to repeat.

        The portal carries it out within some seconds.

        Args:
            id: of the asset.
            name: of the asset; when empty, it has none.
            description: of the asset.
            copyright: of the asset.
            brand_id: of the brand it belongs to.
            tags: all tags it has from now on. A comma within one becomes a space.
            archive: whether it is archived.
            limited: whether it is of limited usage.
            is_public: whether it is public. Once it is, it stays so for ever.
            date_published: when it was published.
            archive_date: when it will be archived.
            limited_date: from when on it is of limited usage.
            watermark_date: from when on it is watermarked.
            custom_thumbnail_file_id: of an uploaded file that becomes its thumbnail.
            remove_custom_thumbnail: go back to its own thumbnail.
            metaproperties: values by name, label or id of the metaproperty; names or labels of options,
                or text. They replace what it had; an empty one clears.
            create_options: create the options that a metaproperty does not offer yet.
            extra: further fields, in Bynder's own names.

        Raises:
            BynderError: the portal has no such asset, metaproperty or option.
        """
        changes = named(locals())
        for ours in ("id", "metaproperties", "createOptions"):
            del changes[ours]
        changes["tags"] = None if tags is None else joined_tags(tags)
        values = self._metaproperties.form(metaproperties or {}, create_options=create_options)
        form = fields({**changes, **values}, extra)
        if form:
            self._client.post(_path(id), data=form, idempotent=True)

    @action("Delete Asset")
    def delete(self, id: str) -> None:
        """Move an asset to the trash, which keeps it for 30 days.

        Args:
            id: of the asset.

        Raises:
            BynderError: status 404: there is none.
        """
        remove(self._client, _path(id))

    @action("Add Asset Metaproperty Options")
    def add_options(self, id: str, *, metaproperty_id: str, option_ids: Sequence[str]) -> None:
        """Give an asset more options of a metaproperty; those it has stay. Safe to repeat.

        Args:
            id: of the asset.
            metaproperty_id: of the metaproperty.
            option_ids: of the options.
        """
        body = _chosen(id, metaproperty_id, option_ids)
        self._client.post("/api/media/options", json=body, idempotent=True)

    @action("Delete Asset Metaproperty Options")
    def remove_options(self, id: str, *, metaproperty_id: str, option_ids: Sequence[str]) -> None:
        """Take options of a metaproperty from an asset; the others stay.

        Args:
            id: of the asset.
            metaproperty_id: of the metaproperty.
            option_ids: of the options.
        """
        remove(self._client, "/api/media/options", json=_chosen(id, metaproperty_id, option_ids))

    @action()
    def similar(
        self,
        *,
        asset_ids: Sequence[str] | None = None,
        image_url: str | None = None,
        image_data: str | None = None,
        text: str | None = None,
    ) -> Sequence[SimilarAsset]:
        """Assets that look like something; exactly one thing must be given. Needs OAuth 2.0.

        Args:
            asset_ids: assets they are to look like.
            image_url: a picture they are to look like.
            image_data: the same, as a `data:` address.
            text: what they are to show, in words.

        Raises:
            ArgumentError: none or several were given.
        """
        wanted = given(
            assetIds=[uuid_of(each) for each in asset_ids] if asset_ids else None,
            imageUrl=image_url,
            imageData=image_data,
            textQuery=text,
        )
        if len(wanted) != 1:
            raise ArgumentError("similar assets are looked for by exactly one of ids, picture and text")
        path = "/api/1/assets/similarity-search/"
        found = read_again(
            lambda: self._client.post(path, json=wanted, idempotent=True),
            lambda response: read_body(response, expect_mapping),
        )
        return [SimilarAsset.read(each) for each in records(found.get("assets"))]


def _path(id: str) -> str:
    return f"/api/v4/media/{segment(id)}/"


def _chosen(asset_id: str, metaproperty_id: str, option_ids: Sequence[str]) -> dict[str, Any]:
    return {
        "asset_id": asset_id,
        "metaproperty_id": metaproperty_id,
        "metaproperty_option_ids": [*option_ids],
    }
