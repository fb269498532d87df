"""Assets that were deleted. Source: Bynder's published definition of the trash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from damlink_sandbox.bynder.portal import Portal, moment, number, refusal
from damlink_sandbox.bynder.state import Asset
from damlink_sandbox.router import Answer, Call, Routes, json_answer

_KEPT = timedelta(days=30)

routes: Routes[Portal] = Routes()


@routes.add("GET /api/trash/media", scopes="asset:read", roles="trash.assets")
def _trash(portal: Portal, call: Call) -> Answer:
    key = _order(portal, call.query.get("field", "media.dateRemoved"))
    # The default is assumed.
    direction = call.query.get("order", "desc")
    if key is None or direction not in ("asc", "desc"):
        raise refusal(400, "Invalid request parameters.")  # assumed
    gone = sorted(_find_removed(portal, call.query), key=key, reverse=direction == "desc")
    limit, page = number(call.query.get("limit"), 10), number(call.query.get("page"), 1)
    return json_answer(200, [_render(portal, *one) for one in gone[(page - 1) * limit : page * limit]])


def _order(portal: Portal, field: str) -> Callable[[tuple[Asset, datetime]], Any] | None:
    """Return the key that sorts by that field; with or without `media.`: both are published."""
    return {
        "dateCreated": lambda one: one[0].created,
        "dateRemoved": lambda one: one[1],
        "name": lambda one: one[0].name.lower(),
        "username": lambda one: _user_name(portal, one[0]),
    }.get(field.removeprefix("media."))


def _find_removed(portal: Portal, query: Mapping[str, str]) -> Iterator[tuple[Asset, datetime]]:
    """Yield the assets removed in the last 30 days and in the requested range, each with its date."""
    since = portal.world.clock.now() - _KEPT
    first = moment(query["dateRemovedFrom"]) if query.get("dateRemovedFrom") else since
    last = moment(query["dateRemoved"]) if query.get("dateRemoved") else portal.world.clock.now()
    for asset in portal.assets.values():
        if asset.deleted is not None and max(first, since) <= asset.deleted <= last:
            yield asset, asset.deleted


def _render(portal: Portal, asset: Asset, removed: datetime) -> dict[str, Any]:
    return {
        "id": asset.id,
        "name": asset.name,
        "dateRemoved": f"{removed:%Y-%m-%dT%H:%M:%S+00:00}",
        "dateCreated": f"{asset.created:%Y-%m-%dT%H:%M:%S+00:00}",
        "username": _user_name(portal, asset),
        "userId": asset.user_id,
        "S3_filepointer": f"{portal.world.origins['s3']}/trash/{asset.id}",
    }


def _user_name(portal: Portal, asset: Asset) -> str:
    user = portal.access.users.get(asset.user_id)
    return user.username if user else ""
