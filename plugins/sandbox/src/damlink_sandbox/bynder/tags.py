"""Tags. A tag comes into being with the first asset that has it (assumed). Source: the official SDKs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs

from damlink_sandbox.bynder.form_json import ids_given
from damlink_sandbox.bynder.portal import Portal, answer_created, number, refusal, words
from damlink_sandbox.bynder.state import Asset
from damlink_sandbox.router import Answer, Call, Routes, json_answer

_ORDERS = ("tag asc", "tag desc", "mediaCount asc", "mediaCount desc")

routes: Routes[Portal] = Routes()


@routes.add("GET /api/v4/tags")
def _list(portal: Portal, call: Call) -> Answer:
    """List the tags; one that no asset has any more stays with a count of 0 (assumed)."""
    query = call.query
    # The default is assumed.
    order = query.get("orderBy") or "tag asc"
    if order not in _ORDERS:
        raise refusal(400, "Invalid orderBy")  # assumed
    least, keyword = _least(query.get("mincount")), query.get("keyword", "").lower()
    shown = [one for one in _all(portal) if one["mediaCount"] >= least and keyword in one["tag"].lower()]
    field, _, direction = order.partition(" ")
    # By name first: sorts are stable, and equal counts keep that order.
    shown.sort(key=lambda one: one["tag"].lower())
    shown.sort(
        key=lambda one: str(one[field]).lower() if field == "tag" else one[field], reverse=direction == "desc"
    )
    limit, page = number(query.get("limit"), 50, 1000), number(query.get("page"), 1)
    return json_answer(200, shown[(page - 1) * limit : page * limit])


def _least(text: str | None) -> int:
    if text and not text.isdecimal():
        raise refusal(400, "Invalid number")  # assumed
    return int(text or 0)


def _all(portal: Portal) -> list[dict[str, Any]]:
    counts = Counter(tag for asset in portal.list_indexed().values() for tag in asset.tags)
    for tag in counts:
        if tag not in portal.library.tags:
            portal.library.tags[tag] = portal.ids.new()
    return [{"id": key, "tag": tag, "mediaCount": counts[tag]} for tag, key in portal.library.tags.items()]


@routes.add("POST /api/v4/tags/{id}/media", scopes="asset:write", roles="MEDIAEDIT")
def _add(portal: Portal, call: Call) -> Answer:
    tag = _find(portal, call)
    for asset in [portal.visible(key) for key in ids_given(call)]:
        _store(portal, asset, tuple(dict.fromkeys((*asset.tags, tag))))
    return answer_created()


@routes.add("DELETE /api/v4/tags/{id}/media", scopes="asset:write", roles="MEDIAEDIT")
def _remove(portal: Portal, call: Call) -> Answer:
    tag = _find(portal, call)
    wanted = words(call.query.get("deleteIds", ""))
    if not wanted:
        raise refusal(400, "No data sent")  # assumed
    for asset in [portal.visible(key) for key in wanted]:
        _store(portal, asset, tuple(one for one in asset.tags if one != tag))
    return Answer(204)


def _find(portal: Portal, call: Call) -> str:
    for tag, key in portal.library.tags.items():
        if key == call.params["id"].upper():
            return tag
    raise refusal(404, "Tag not found")  # assumed


def _store(portal: Portal, asset: Asset, tags: tuple[str, ...]) -> None:
    portal.store(attrs.evolve(asset, tags=tags, modified=portal.world.clock.now()))
    portal.world.counts.add("modifications")
