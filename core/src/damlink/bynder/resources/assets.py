"""Assets of the asset bank.

Source: api.bynder.com, "Assets": retrieve, modify, delete; "Metaproperty options" of an asset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

from damlink._http.client import Client
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_mapping, expect_object, get_body, post_body
from damlink.bynder._fields import bynder_names, fields, join_tags, uuid_of
from damlink.bynder._listing import Records
from damlink.bynder._request import omit_none, remove, segment
from damlink.bynder.records.assets import Asset, SimilarAsset
from damlink.bynder.records.convert import records
from damlink.bynder.resources.asset_files import AssetFiles
from damlink.bynder.resources.asset_lists import AssetLists
from damlink.bynder.resources.metaproperties import Metaproperties
from damlink.errors import ArgumentError, BynderError

__all__ = ["AssetFields", "Assets"]

_NOT_FOUND: Final = 404


class AssetFields(TypedDict, total=False):
    """Fields of an asset that can be changed.

    Args:
        name: of the asset; may be empty.
        description: of the asset.
        copyright: of the asset.
        brand_id: of the brand that the asset belongs to.
        archive: whether the asset is archived.
        limited: whether the asset is of limited usage.
        is_public: whether the asset is public. A public asset cannot become private again.
        date_published: moment of publication.
        archive_date: moment at which the asset is archived.
        limited_date: moment at which limited usage begins.
        watermark_date: moment at which the asset gets a visible watermark.
        custom_thumbnail_file_id: of an uploaded file to use as thumbnail.
        remove_custom_thumbnail: use the asset's own thumbnail again.
    """

    name: str | None
    description: str | None
    copyright: str | None
    brand_id: str | None
    archive: bool | None
    limited: bool | None
    is_public: bool | None
    date_published: datetime | None
    archive_date: datetime | None
    limited_date: datetime | None
    watermark_date: datetime | None
    custom_thumbnail_file_id: str | None
    remove_custom_thumbnail: bool | None


class Assets(AssetLists, AssetFiles):
    """Assets of the asset bank: find, read, change, delete, download.

    Example:
        for asset in portal.assets.list(type="image", tags="sea"):
            print(asset.id, asset.name)
        portal.assets.download(id).save("beach.jpg")

    Args:
        metaproperties: resolve names to ids.
        files: client for other hosts, without credentials.
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
        """Get an asset in its current state: unlike a list, the answer contains the latest change.

        Args:
            id: of the asset.
            versions: include all its files: versions, derivatives, additional files.
            stats: include the numbers of views and downloads; requires the role STATISTICS.
            related: include the assets that it is linked to.

        Raises:
            BynderError: status 404: the asset does not exist, or is in the waiting room.
        """
        query = omit_none(
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
        tags: Sequence[str] | None = None,
        metaproperties: Mapping[str, str | Sequence[str]] | None = None,
        create_options: bool = False,
        extra: Mapping[str, Any] | None = None,
        **changes: Unpack[AssetFields],
    ) -> None:
        """Change an asset. Omitted fields stay as they are, an empty text clears one. Safe to repeat.

        The change takes effect after some seconds.

        Args:
            id: of the asset.
            tags: new list of all tags. A comma within a tag becomes a space.
            metaproperties: values by name, label or id of the metaproperty; names or labels of options,
                or text. They replace the previous values; an empty value clears.
            create_options: create options that a metaproperty does not have yet.
            extra: more fields, by Bynder's own names.
            changes: see `AssetFields`.

        Raises:
            BynderError: the asset, a metaproperty or an option does not exist.
        """
        values = self._metaproperties.form(metaproperties or {}, create_options=create_options)
        given = {**bynder_names(changes), **values}
        form = fields(given | {"tags": None if tags is None else join_tags(tags)}, extra)
        if form:
            self._client.post(_path(id), data=form, idempotent=True)

    @action("Delete Asset")
    def delete(self, id: str) -> None:
        """Move an asset to the trash, which keeps assets for 30 days.

        Args:
            id: of the asset.

        Raises:
            BynderError: status 404: the asset does not exist.
        """
        remove(self._client, _path(id))

    @action("Add Asset Metaproperty Options")
    def add_options(self, id: str, *, metaproperty_id: str, option_ids: Sequence[str]) -> None:
        """Add options of a metaproperty to an asset. Safe to repeat.

        Args:
            id: of the asset.
            metaproperty_id: of the metaproperty.
            option_ids: of the options.
        """
        body = _options_body(id, metaproperty_id, option_ids)
        self._client.post("/api/media/options", json=body, idempotent=True)

    @action("Delete Asset Metaproperty Options")
    def remove_options(self, id: str, *, metaproperty_id: str, option_ids: Sequence[str]) -> None:
        """Remove options of a metaproperty from an asset.

        Args:
            id: of the asset.
            metaproperty_id: of the metaproperty.
            option_ids: of the options.
        """
        remove(self._client, "/api/media/options", json=_options_body(id, metaproperty_id, option_ids))

    @action()
    def similar(
        self,
        *,
        asset_ids: Sequence[str] | None = None,
        image_url: str | None = None,
        image_data: str | None = None,
        text: str | None = None,
    ) -> Records[SimilarAsset]:
        """Find assets that resemble other assets, a picture or a text. Requires OAuth 2.0.

        Args:
            asset_ids: of the assets to compare with.
            image_url: address of a picture to compare with.
            image_data: picture to compare with, as a `data:` address.
            text: description of what the assets show.

        Raises:
            ArgumentError: none or more than one of the arguments is given.
        """
        wanted = omit_none(
            assetIds=[uuid_of(each) for each in asset_ids] if asset_ids else None,
            imageUrl=image_url,
            imageData=image_data,
            textQuery=text,
        )
        if len(wanted) != 1:
            raise ArgumentError("similar assets are searched for by exactly one of ids, picture and text")
        path = "/api/1/assets/similarity-search/"
        found = post_body(self._client, path, expect_mapping, json=wanted)
        return Records(map(SimilarAsset.read, records(found.get("assets"))), is_whole=False)


def _path(id: str) -> str:
    return f"/api/v4/media/{segment(id)}/"


def _options_body(asset_id: str, metaproperty_id: str, option_ids: Sequence[str]) -> dict[str, Any]:
    return {
        "asset_id": asset_id,
        "metaproperty_id": metaproperty_id,
        "metaproperty_option_ids": [*option_ids],
    }
