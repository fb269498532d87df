"""Assets: list, get, modify, delete, trash, download. Source: reference 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from damlink.sandbox._bynder_access import need
from damlink.sandbox._bynder_metaproperties import values_given
from damlink.sandbox._bynder_portal import Portal, accepted, flag, moment, number, refused, words
from damlink.sandbox._bynder_records import Asset, File
from damlink.sandbox._bynder_render import all_items, rendered, short_items
from damlink.sandbox._bynder_search import counted, found
from damlink.sandbox._router import Answer, Call, Routes, json_answer

_PAGING = frozenset({"page", "limit", "total", "count", "includeMediaItems", "includeVersionNumber"})

routes: Routes[Portal] = Routes()


@routes.add("GET /api/v4/media", scopes="asset:read")
def _list(portal: Portal, call: Call) -> Answer:
    query = call.query
    if "id" in query:  # an official SDK gets one asset this way
        return json_answer(200, rendered(portal, portal.visible(query["id"], "File not found")))
    assets = _found(portal, call)
    limit, page = number(query.get("limit"), 50, 1000), number(query.get("page"), 1)
    media = [_listed(portal, asset, query) for asset in assets[(page - 1) * limit : page * limit]]
    if flag(query.get("count")):
        return json_answer(200, {"count": counted(assets), "media": media})
    if flag(query.get("total")):
        return json_answer(200, {"total": {"count": len(assets)}, "media": media})
    return json_answer(200, media)


def _found(portal: Portal, call: Call) -> list[Asset]:
    """As `found`; a walk through the pages of one unchanged list sorts it once."""
    portal.listed()
    filters = frozenset((name, value) for name, value in call.query.items() if name not in _PAGING)
    key = (portal.version, filters, call.caller.roles)
    if portal.last_list is None or portal.last_list[0] != key:
        portal.last_list = (key, found(portal, call.query, call.caller.roles))
    return portal.last_list[1]


def _listed(portal: Portal, asset: Asset, query: Mapping[str, str]) -> dict[str, Any]:
    data = rendered(portal, asset)
    if flag(query.get("includeMediaItems")):
        data["mediaItems"] = short_items(portal, asset)
    if flag(query.get("includeVersionNumber")):
        data["activeVersion"] = asset.active.number
    return data


@routes.add("GET /api/v4/media/{id}", scopes="asset:read")
def _get(portal: Portal, call: Call) -> Answer:
    asset = portal.visible(call.params["id"], "File not found")
    data = rendered(portal, asset)
    if flag(call.query.get("versions")):
        data["mediaItems"] = all_items(portal, asset)
    if flag(call.query.get("stats")):
        need(call, "STATISTICS")
        data |= {"views": 0, "downloads": asset.downloads}
    return json_answer(200, data)


@routes.add("POST /api/v4/media", scopes="asset:write", roles="MEDIAEDIT", multipart=True)
@routes.add("POST /api/v4/media/{id}", scopes="asset:write", roles="MEDIAEDIT", multipart=True)
def _modify(portal: Portal, call: Call) -> Answer:
    fields = call.form()
    asset = portal.visible(call.params.get("id") or fields.get("id", ""))
    changes = _changes(portal, asset, fields)
    if "is_public" in changes:
        need(call, "MARKPUBLIC")
    portal.store(attrs.evolve(asset, modified=portal.world.clock.now(), **changes))
    portal.world.counts.add("modifications")
    return accepted()


def _changes(portal: Portal, asset: Asset, fields: Mapping[str, str]) -> dict[str, Any]:
    changes: dict[str, Any] = {
        name: fields[name] for name in ("name", "description", "copyright") if name in fields
    }
    if "brandId" in fields:
        changes["brand_id"] = portal.brand(fields["brandId"])
    if "tags" in fields:
        changes["tags"] = words(fields["tags"])
    if fields.get("datePublished"):
        changes["published"] = moment(fields["datePublished"])
    for name, own in (("archive", "is_archived"), ("limited", "is_limited")):
        if name in fields:
            changes[own] = flag(fields[name])
    if flag(fields.get("isPublic")):  # the way back is not possible
        changes["is_public"] = True
    if values := values_given(portal, fields):
        changes["values"] = {**asset.values, **values}
    return changes | _due(portal, fields)


def _due(portal: Portal, fields: Mapping[str, str]) -> dict[str, bool]:
    own = {"archiveDate": "is_archived", "limitedDate": "is_limited", "watermarkDate": "is_watermarked"}
    now = portal.world.clock.now()
    given = {own[name]: moment(fields[name]) <= now for name in own if fields.get(name)}
    return {name: True for name, is_due in given.items() if is_due}


@routes.add("DELETE /api/v4/media", scopes="asset:write", roles="MEDIAREMOVE")
@routes.add("DELETE /api/v4/media/{id}", scopes="asset:write", roles="MEDIAREMOVE")
def _delete(portal: Portal, call: Call) -> Answer:
    asset = portal.visible(call.params.get("id") or call.query.get("id", ""))
    portal.store(attrs.evolve(asset, deleted=portal.world.clock.now()))
    portal.world.counts.add("deletions")
    return Answer(204)


@routes.add("GET /api/trash/media", scopes="asset:read", roles="trash.assets")
def _trash(portal: Portal, call: Call) -> Answer:
    gone = sorted((asset for asset in portal.assets.values() if asset.deleted), key=_removed, reverse=True)
    limit, page = number(call.query.get("limit"), 10), number(call.query.get("page"), 1)
    return json_answer(200, [_trashed(portal, asset) for asset in gone[(page - 1) * limit : page * limit]])


def _removed(asset: Asset) -> str:
    return asset.deleted.isoformat() if asset.deleted else ""


def _trashed(portal: Portal, asset: Asset) -> dict[str, Any]:
    user = portal.access.users.get(asset.user_id)
    return {
        "id": asset.id,
        "name": asset.name,
        "dateRemoved": f"{asset.deleted:%Y-%m-%dT%H:%M:%S+00:00}",
        "dateCreated": f"{asset.created:%Y-%m-%dT%H:%M:%S+00:00}",
        "username": user.username if user else "",
        "userId": asset.user_id,
        "S3_filepointer": f"{portal.world.origins['s3']}/trash/{asset.id}",
    }


@routes.add("GET /api/v4/media/{id}/download", scopes="asset:read", roles="MEDIAHIGHRES")
def _download(portal: Portal, call: Call) -> Answer:
    asset = portal.visible(call.params["id"])
    kind = call.query.get("type", "original")
    if kind not in ("original", "additional"):
        raise refused(400, "Invalid type")
    files = (asset.active,) if kind == "original" else asset.additionals
    return _link(portal, call, asset, files[-1] if files else None)


@routes.add("GET /api/v4/media/{id}/{version}/download", scopes="asset:read", roles="MEDIAHIGHRES")
def _download_version(portal: Portal, call: Call) -> Answer:
    asset = portal.visible(call.params["id"])
    of_number = {str(file.number): file for file in asset.versions}
    return _link(portal, call, asset, of_number.get(call.params["version"]))


@routes.add("GET /api/v4/media/{id}/download/{itemId}", scopes="asset:read", roles="MEDIAHIGHRES")
def _download_item(portal: Portal, call: Call) -> Answer:
    asset = portal.visible(call.params["id"])
    of_id = {file.id: file for file in (*asset.versions, *asset.additionals)}
    return _link(portal, call, asset, of_id.get(call.params["itemId"].upper()))


def _link(portal: Portal, call: Call, asset: Asset, file: File | None) -> Answer:
    if file is None:
        raise refused(404, "Original file not available")
    for applies, role in (
        (asset.is_archived, "ARCHIVEDOWNLOAD"),
        (asset.is_watermarked, "DOWNLOADWATERMARK"),
        (asset.is_limited, "KEYVISUALSDOWNLOAD"),
    ):
        if applies:
            need(call, role)
    portal.assets[asset.id] = attrs.evolve(asset, downloads=asset.downloads + 1)
    return json_answer(200, {"s3_file": portal.link(file.content, file.file_name), "disclaimer": ""})
