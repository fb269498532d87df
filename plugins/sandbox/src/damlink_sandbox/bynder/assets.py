"""Assets: list, get, modify, delete. Source: Bynder's published definition of assets."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import attrs

from damlink_sandbox.bynder.access import need
from damlink_sandbox.bynder.asset_options import values_given
from damlink_sandbox.bynder.facets import count_facets
from damlink_sandbox.bynder.portal import Portal, answer_accepted, flag, moment, number, refusal, words
from damlink_sandbox.bynder.render import all_items, render_asset, render_related, short_items
from damlink_sandbox.bynder.search import find_assets, order
from damlink_sandbox.bynder.state import Asset
from damlink_sandbox.router import Answer, Call, Routes, json_answer

_SHAPE = frozenset({"page", "limit", "total", "count", "cursor", "includeMediaItems", "includeVersionNumber"})
# With any of these there is none.
_NO_CURSOR = ("page", "total", "count")

routes: Routes[Portal] = Routes()


@routes.add("GET /api/v4/media", scopes="asset:read")
def _list(portal: Portal, call: Call) -> Answer:
    query = call.query
    # An official SDK gets one asset this way.
    if query.get("id"):
        return _one(portal, call, query["id"])
    assets = _search(portal, call)
    limit, page = number(query.get("limit"), 50, 1000), number(query.get("page"), 1)
    if portal.settings.solr_cursor and not any(name in query for name in _NO_CURSOR):
        return _walk(portal, query, assets, limit)
    media = [_render_in_list(portal, asset, query) for asset in assets[(page - 1) * limit : page * limit]]
    if flag(query.get("count")):
        return json_answer(200, {"count": count_facets(portal, assets), "media": media})
    if flag(query.get("total")):
        return json_answer(200, {"total": {"count": len(assets)}, "media": media})
    return json_answer(200, media)


def _search(portal: Portal, call: Call) -> list[Asset]:
    """Search as `find_assets`; the pages of one unchanged list are sorted once."""
    portal.list_indexed()
    filters = frozenset((name, value) for name, value in call.query.items() if name not in _SHAPE)
    if "collectionId" in call.query or "keyword" in call.query:
        # Collections change without the index.
        return find_assets(portal, call.query, call.caller.roles)
    key = (portal.version, filters, call.caller.roles)
    if portal.last_list is None or portal.last_list[0] != key:
        portal.last_list = (key, find_assets(portal, call.query, call.caller.roles))
    return portal.last_list[1]


def _walk(portal: Portal, query: Mapping[str, str], assets: list[Asset], limit: int) -> Answer:
    """Return the next assets behind the cursor; the header names the next cursor while there are more."""
    key, descends = order(query)
    if query.get("cursor"):
        last = _read_cursor(query["cursor"])
        assets = [one for one in assets if (key(one) < last if descends else key(one) > last)]
    answer = json_answer(200, [_render_in_list(portal, asset, query) for asset in assets[:limit]])
    if len(assets) > limit:
        mark = base64.urlsafe_b64encode(json.dumps(key(assets[limit - 1])).encode()).decode()
        answer.headers = {"X-Bynder-NextCursor": mark}
    return answer


def _read_cursor(cursor: str) -> tuple[str, str]:
    try:
        value, asset_id = json.loads(base64.urlsafe_b64decode(cursor))
    except (ValueError, TypeError) as error:
        raise refusal(400, "Invalid cursor") from error  # assumed
    return str(value), str(asset_id)


def _render_in_list(portal: Portal, asset: Asset, query: Mapping[str, str]) -> dict[str, Any]:
    data = render_asset(portal, asset)
    if flag(query.get("includeMediaItems")):
        data["mediaItems"] = short_items(portal, asset)
    if flag(query.get("includeVersionNumber")):
        data["activeVersion"] = asset.active.number
    return data


@routes.add("GET /api/v4/media/{id}", scopes="asset:read")
def _get(portal: Portal, call: Call) -> Answer:
    return _one(portal, call, call.params["id"])


def _one(portal: Portal, call: Call, asset_id: str) -> Answer:
    asset = portal.visible(asset_id, "File not found")
    data = render_asset(portal, asset)
    if asset.related or "relatedAssets" in words(call.query.get("include", "")):
        data["relatedAssets"] = render_related(portal, asset)
    if flag(call.query.get("versions")):
        data["mediaItems"] = all_items(portal, asset)
    if flag(call.query.get("stats")):
        need(call, "STATISTICS")
        data |= {"views": asset.views, "downloads": asset.downloads}
    return json_answer(200, data)


@routes.add("POST /api/v4/media", scopes="asset:write", roles="MEDIAEDIT", multipart=True)
@routes.add("POST /api/v4/media/{id}", scopes="asset:write", roles="MEDIAEDIT", multipart=True)
def _modify(portal: Portal, call: Call) -> Answer:
    """Change the known fields; others, and those of custom thumbnails, are ignored."""
    fields = call.form()
    asset = portal.visible(call.params.get("id") or fields.get("id", ""))
    changes = _changes(portal, asset, fields)
    if "is_public" in changes:
        need(call, "MARKPUBLIC")
    portal.store(attrs.evolve(asset, modified=portal.world.clock.now(), **changes))
    portal.world.counts.add("modifications")
    return answer_accepted()


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
    # The way back is not possible.
    if flag(fields.get("isPublic")) and not asset.is_public:
        changes["is_public"] = True
    if values := values_given(portal, fields):
        changes["values"] = {**asset.values, **values}
    return changes | _due(portal, fields)


def _due(portal: Portal, fields: Mapping[str, str]) -> dict[str, bool]:
    """Return the states whose date has come; one in the future is checked and forgotten."""
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
