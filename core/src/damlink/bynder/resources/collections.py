"""Collections: groups of assets that people share.

Source: Bynder's published definition of collections.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypedDict, Unpack

import httpx

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_ids, expect_object, expect_page, get_body
from damlink.bynder._fields import bynder_names, fields, page_size
from damlink.bynder._listing import Listing, Records
from damlink.bynder._once import check_confirmation, id_of, post_once, success_of
from damlink.bynder._pages import Page, walk
from damlink.bynder._request import remove, segment
from damlink.bynder.records.collections import Collection, CollectionPage
from damlink.bynder.records.convert import ids as ids_of
from damlink.bynder.resources.members import put_assets, take_assets
from damlink.bynder.resources.resource import Resource
from damlink.errors import ArgumentError, BynderError

__all__ = ["CollectionFilters", "Collections", "ShareFields"]

PATH: Final = "/api/v4/collections/"
# The header `Location` of the answer to a creation.
_LOCATION: Final = re.compile(r"/collections/([\w.-]+)/?(?:\?|$)", re.ASCII)
# Maximum number of collections on a page.
MOST: Final = 1000
# Pages in this order do not shift while collections are added.
STEADY: Final = "dateCreated asc"

Rights = Literal["view", "edit", "readOnly", "readAccess"]
"""Rights of the recipients of a collection; official clients use the first two."""


class CollectionFilters(TypedDict, total=False):
    """Filters and order of a list of collections.

    Args:
        keyword: only collections that contain this text.
        ids: only collections with these ids.
        is_public: only public collections.
        min_count: only collections with at least this number of assets.
        order_by: `dateCreated` or `name`, then `asc` or `desc`.
    """

    keyword: str | None
    ids: Sequence[str] | None
    is_public: bool | None
    min_count: int | None
    order_by: str | None


class ShareFields(TypedDict, total=False):
    """Recipients and details of the share of a collection.

    Args:
        recipients: e-mail addresses.
        groups: ids of groups.
        profiles: ids of security profiles.
        login_required: whether recipients must sign in.
        date_start: first moment of the share.
        date_end: last moment of the share.
        send_mail: whether recipients get an e-mail.
        message: text of the e-mail.
    """

    recipients: Sequence[str] | None
    groups: Sequence[str] | None
    profiles: Sequence[str] | None
    login_required: bool | None
    date_start: datetime | None
    date_end: datetime | None
    send_mail: bool | None
    message: str | None


class Collections(Resource):
    """Collections: groups of assets that people share.

    Example:
        summer = portal.collections.create(name="Summer")
        portal.collections.add_media(summer, asset_ids=[asset])
    """

    @action("List Collections")
    def list(
        self,
        *,
        limit: int = MOST,
        extra: Mapping[str, Any] | None = None,
        **filters: Unpack[CollectionFilters],
    ) -> Listing[Collection]:
        """List collections page by page; the oldest first by default.

        Args:
            limit: collections in each request, at most 1000.
            extra: more parameters, by Bynder's own names.
            filters: see `CollectionFilters`.
        """
        size = max(1, min(page_size(extra, limit) or limit, MOST))
        given = {"orderBy": STEADY, **bynder_names(filters)}
        query, ids = fields(given, extra) | {"limit": str(size)}, filters.get("ids")

        def ask(page: int) -> Page[Collection]:
            return Page(items=self._ask(query | {"page": str(page)}).collections)

        def count() -> int | None:
            return self._ask(query | fields({"count": True, "limit": 1, "page": 1})).count

        # The portal would take an empty list of ids for no filter.
        if ids is not None and not ids:
            return Listing(iter(()), lambda: 0)
        return walk(ask, size, count)

    @action()
    def page(
        self,
        *,
        page: int = 1,
        limit: int | None = None,
        count: bool = False,
        extra: Mapping[str, Any] | None = None,
        **filters: Unpack[CollectionFilters],
    ) -> CollectionPage:
        """Get one page of collections, with the total number if requested.

        Args:
            page: number of the page, counted from 1.
            limit: collections on a page, at most 1000; the portal's own number by default.
            count: include the number of collections on all pages.
            extra: more parameters, by Bynder's own names.
            filters: see `CollectionFilters`.
        """
        given = {"page": page, "limit": limit, "count": count or None}
        return self._ask(fields({**given, **bynder_names(filters)}, extra))

    def _ask(self, query: Mapping[str, str]) -> CollectionPage:
        return CollectionPage.read(get_body(self._client, PATH, expect_page("collections"), **query))

    @action("Get Collection")
    def get(self, id: str) -> Collection:
        """Get a collection.

        Args:
            id: of the collection.

        Raises:
            BynderError: status 404: the collection does not exist.
        """
        return Collection.read(get_body(self._client, _path(id), expect_object), id)

    @action("Create Collection")
    def create(
        self, *, name: str, description: str | None = None, extra: Mapping[str, Any] | None = None
    ) -> str:
        """Create a collection and return its id.

        Args:
            name: of the collection.
            description: of the collection.
            extra: more fields, by Bynder's own names.

        Raises:
            UnclearError: it is not known whether the collection was created.
        """
        form = fields({"name": name, "description": description}, extra)
        made = self._client.send_once("POST", PATH, read=_read_id, data=form)
        if not made:
            hint = "look for it in the list of collections"
            message = f"the collection {name!r} is there, but the portal did not send its id"
            raise BynderError(message, hint=hint)
        return made

    @action("Update Collection")
    def update(
        self,
        id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        is_public: bool | None = None,
        thumbnail_asset_id: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Change a collection. Omitted fields stay as they are. Safe to repeat.

        Args:
            id: of the collection.
            name: of the collection.
            description: of the collection.
            is_public: whether everyone may see it. Other integrations set it to true by default; here
                it stays as it is by default.
            thumbnail_asset_id: of the asset whose picture represents the collection.
            extra: more fields, by Bynder's own names.
        """
        given = {
            "name": name,
            "description": description,
            "isPublic": is_public,
            "thumbnailAssetId": thumbnail_asset_id,
        }
        self._client.post(_path(id), data=fields(given, extra), idempotent=True)

    @action("Delete Collection")
    def delete(self, id: str) -> None:
        """Delete a collection; its assets remain.

        Args:
            id: of the collection.
        """
        remove(self._client, _path(id))

    @action("Share Collection")
    def share(
        self,
        id: str,
        *,
        collection_options: Rights,
        extra: Mapping[str, Any] | None = None,
        **share: Unpack[ShareFields],
    ) -> None:
        """Share a collection with people, groups or profiles, at least one of them.

        Args:
            id: of the collection.
            collection_options: rights of the recipients: `view` or `edit`, or `readOnly` or `readAccess`.
            extra: more fields, by Bynder's own names.
            share: see `ShareFields`.

        Raises:
            ArgumentError: neither recipients, groups nor profiles are given.
            UnclearError: it is not known whether the collection was shared.
        """
        form = fields({"collectionOptions": collection_options, **bynder_names(share)}, extra)
        if not any(form.get(whom) for whom in ("recipients", "groups", "profiles")):
            hint = "name recipients, groups or profiles"
            raise ArgumentError("a collection is shared with at least one recipient", hint=hint)
        post_once(self._client, f"{_path(id)}share/", check_confirmation, data=form)

    @action()
    def media(self, id: str) -> Records[str]:
        """List the ids of the assets in a collection.

        Args:
            id: of the collection.
        """
        return Records(ids_of(get_body(self._client, f"{_path(id)}media/", expect_ids)))

    @action()
    def add_media(self, id: str, *, asset_ids: Sequence[str]) -> None:
        """Add assets to a collection. Safe to repeat.

        Args:
            id: of the collection.
            asset_ids: of the assets.
        """
        put_assets(self._client, f"{_path(id)}media/", asset_ids)

    @action()
    def remove_media(self, id: str, *, asset_ids: Sequence[str]) -> None:
        """Remove assets from a collection.

        Args:
            id: of the collection.
            asset_ids: of the assets.
        """
        take_assets(self._client, f"{_path(id)}media/", asset_ids)


def _path(id: str) -> str:
    return f"{PATH}{segment(id)}/"


def _read_id(response: httpx.Response) -> str:
    """Return the id of a new collection from its address or the body; empty if the answer has none.

    Raises:
        ValueError: the answer does not confirm that the collection was created.
    """
    if made := _LOCATION.search(response.headers.get("location", "")):
        return made[1]
    answer = success_of(response)
    if "id" in answer:
        return id_of(answer, "id")
    check_confirmation(answer)
    return ""
