"""Analytics: events by kind, and reports of the assets.

Source: Bynder's published definition of analytics. Cursors are base64 as in its examples; no `Next-Cursor`
comes with the last page (assumed).
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from damlink_sandbox.bynder.portal import Portal, moment, number, refusal
from damlink_sandbox.bynder.render import kind
from damlink_sandbox.bynder.state import Asset
from damlink_sandbox.router import Answer, Call, Routes, json_answer

_PATH = "/v7/analytics/api"
_READ = "analytics.api:read"
_MOST = 10_000

_ASSET = (
    "id",
    "eventType",
    "userId",
    "dateTime",
    "assetId",
    "assetType",
    "assetName",
    "assetAudit",
    "fileName",
)
_RESULTS = (
    "totalResults", "tagsResults", "assetsResults", "documentsResults", "guidelinesResults",
    "collectionsResults", "metapropertiesResults", "collectionAssetsResults", "workflowCampaignsResults",
    "brandstoreProductsResults",
)  # fmt: skip
_KEYWORD = ("id", "eventType", "userId", "dateTime", "keyword", *_RESULTS)
_COLLECTION = (
    "eventId", "collectionId", "eventType", "dateTime", "userId", "isOwner", "viewOrigin", "ipAddress",
    "userAgent", "isBynderSupport",
)  # fmt: skip
# By the path below the base: which events, how they are called there, and the fields that are shown.
_SHOWN: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "v2/asset/views": ("view", "AssetViewed", ("eventId", "eventType", "userId", "dateTime", "assetId")),
    "v1/asset/view": ("view", "asset.view", _ASSET),
    "v1/asset/download": ("download", "asset.download", (*_ASSET, "mediaItemId", "mediaItemType")),
    "v1/asset/v2/download": (
        "download", "AssetDownloadRequested",
        ("eventId", "eventType", "dateTime", "userId", "assetId", "downloadReasons"),
    ),
    "v1/asset/create": ("create", "asset.create", _ASSET),
    "v1/asset/archive": ("archive", "asset.archive", _ASSET),
    "v1/asset/remove": ("remove", "asset.remove", _ASSET),
    "v1/search/executions": (
        "search", "SearchExecuted",
        ("eventId", "eventType", "dateTime", "userId", "terms", "filters", "operator", "sortOrder",
         "results"),
    ),
    "v1/search/keyword": ("search", "search.keyword", _KEYWORD),
    "v1/user/login": ("login", "user.login", ("id", "eventType", "userId", "dateTime")),
    "v1/collection/views": ("collection", "CollectionViewed", _COLLECTION),
}  # fmt: skip
_CSV = ("v1/search/keyword", "v1/collection/views")
_OF_ONE = {"view": "asset.view", "download": "asset.download", "login": "user.login"}

routes: Routes[Portal] = Routes()


def add(portal: Portal, event: str, given: Mapping[str, Any]) -> str:
    """Add an event: `view`, `download`, `create`, `archive`, `remove`, `search`, `login`, `collection`."""
    if event not in {known for known, _, _ in _SHOWN.values()}:
        raise ValueError(f"unknown event {event!r}")
    made, asset = portal.ids.hex(24), portal.assets.get(str(given.get("id", "")).upper())
    when = moment(given["date"]) if given.get("date") else portal.world.clock.now()
    user = given.get("user", portal.access.user.id)
    shown = {
        "id": made,
        "eventId": portal.ids.uuid(),
        "userId": user,
        "dateTime": _stamp(when),
        "event": event,
    }
    keyword = given.get("keyword", "sea")
    shown |= {"keyword": keyword, "terms": [keyword], "filters": [{"field": "type", "value": "image"}]}
    shown |= {"operator": "OR", "sortOrder": {"field": "datePublished", "order": "desc"}}
    shown |= {"results": {"assets": 1}, **dict.fromkeys(_RESULTS, 1)}
    shown |= {"collectionId": given.get("collection", ""), "isOwner": False, "viewOrigin": "internal"}
    shown |= {"ipAddress": "192.0.2.1", "userAgent": "Sandbox", "isBynderSupport": False}
    portal.services.events.append(shown | (_asset_fields(asset) if asset else {}))
    return made


def _asset_fields(asset: Asset) -> dict[str, Any]:
    own = {"assetId": asset.id, "assetType": kind(asset), "assetName": asset.name, "assetAudit": "ACCEPTED"}
    name = f"{asset.id}___{asset.name}"
    item = {"mediaItemId": asset.active.id, "mediaItemType": "original", "downloadReasons": ["press"]}
    return {**own, "fileName": name, **item}


def _stamp(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S}.000+00:00"


def _events(portal: Portal, call: Call) -> Answer:
    wanted, called, names = _SHOWN[_below(call)]
    found = [event for event in portal.services.events if event["event"] == wanted]
    shown, headers = _page(_within(found, "dateTime", call, "DateTime"), call)
    rows = [_fields({**event, "eventType": called}, names) for event in shown]
    return _as_csv(names, rows, headers) if call.path.endswith(".csv") else json_answer(200, rows, **headers)


for _name in _SHOWN:
    routes.add(f"GET {_PATH}/{_name}", scopes=_READ)(_events)
for _name in _CSV:
    routes.add(f"GET {_PATH}/{_name}.csv", scopes=_READ)(_events)


@routes.add(f"GET {_PATH}/v1/asset/{{id}}", scopes=_READ)
def _of_asset(portal: Portal, call: Call) -> Answer:
    return _of_one(portal, call, "assetId")


@routes.add(f"GET {_PATH}/v1/user/{{id}}", scopes=_READ)
def _of_user(portal: Portal, call: Call) -> Answer:
    return _of_one(portal, call, "userId")


def _of_one(portal: Portal, call: Call, name: str) -> Answer:
    found = [event for event in portal.services.events if event.get(name) == call.params["id"].upper()]
    shown, headers = _page(_within(found, "dateTime", call, "DateTime"), call)
    names = (*_ASSET, "mediaItemId", "mediaItemType")
    rows = [
        _fields({**each, "eventType": _OF_ONE.get(each["event"], f"asset.{each['event']}")}, names)
        for each in shown
    ]
    return json_answer(200, rows, **headers)


def _fields(event: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: event[name] for name in names if name in event}


@routes.add(f"GET {_PATH}/v1/report/asset", scopes=_READ)
def _reports(portal: Portal, call: Call) -> Answer:
    rows = [_report(portal, asset) for asset in portal.assets.values()]
    rows = _within(rows, "dateCreated", call, "DateCreated")
    rows = _within(rows, "dateModified", call, "DateModified")
    shown, headers = _page(rows, call)
    return json_answer(200, shown, **headers)


@routes.add(f"GET {_PATH}/v1/report/asset/{{id}}", scopes=_READ)
def _report_of(portal: Portal, call: Call) -> Answer:
    asset = portal.assets.get(call.params["id"].upper())
    if asset is None:
        raise refusal(404, "Asset not found")
    return json_answer(200, _report(portal, asset))


def _report(portal: Portal, asset: Asset) -> dict[str, Any]:
    values = {
        portal.metaproperties[key].name: ", ".join(_names(portal, key, found))
        for key, found in asset.values.items()
    }
    removed = {"dateRemoved": _stamp(asset.deleted)} if asset.deleted else {}
    return {
        "assetId": asset.id, "name": asset.name, "description": asset.description,
        "copyright": asset.copyright, "isArchived": asset.is_archived, "type": kind(asset),
        "audit": "ACCEPTED", "isLimited": asset.is_limited,
        "datePublished": _stamp(asset.published), "isRemoved": asset.deleted is not None, **removed,
        "idHash": asset.id[:16].lower(), "phash": "", "userCreated": asset.user_id,
        "dateCreated": _stamp(asset.created), "userModified": asset.user_id,
        "dateModified": _stamp(asset.modified), "isWatermarked": asset.is_watermarked,
        "isPublic": asset.is_public, "metaproperties": values,
    }  # fmt: skip


def _names(portal: Portal, key: str, found: Iterable[str]) -> list[str]:
    options = portal.metaproperties[key].options
    return [options[each].name if each in options else each for each in found]


@routes.add(f"GET {_PATH}/v1/historical/{{file}}", scopes=_READ)
def _historical(portal: Portal, call: Call) -> Answer:
    year = call.params["file"].removesuffix(".csv")
    names = ("eventType", "dateTime", "userId", "assetId", "assetName", "assetType", "assetAudit", "fileName")
    found = [event for event in portal.services.events if event["dateTime"].startswith(year)]
    rows = [{**event, "eventType": event["event"]} for event in found]
    return _as_csv((), [{name: each.get(name, "") for name in names} for each in rows], {})


def _below(call: Call) -> str:
    return call.path.removeprefix(f"{_PATH}/").removesuffix(".csv")


def _within(rows: list[dict[str, Any]], key: str, call: Call, name: str) -> list[dict[str, Any]]:
    since, until = call.query.get(f"from{name}"), call.query.get(f"to{name}")
    if since:
        rows = [row for row in rows if moment(row[key]) >= moment(since)]
    if since and until:
        rows = [row for row in rows if moment(row[key]) <= moment(until)]
    return rows


def _page(rows: list[dict[str, Any]], call: Call) -> tuple[list[dict[str, Any]], dict[str, str]]:
    limit, start = number(call.query.get("limit"), 1000, _MOST), _start(call.query.get("cursor"))
    if start + limit >= len(rows):
        return rows[start:], {}
    cursor = base64.b64encode(str(start + limit).encode()).decode().rstrip("=")
    if "/v2/asset/views" in call.path:
        cursor = str(start + limit)
    below = call.path.removeprefix("/v7/analytics")
    headers = {"Next_Cursor": cursor, "Next_Url": f"{below}?limit={limit}&cursor={cursor}"}
    return rows[start : start + limit], headers


def _start(cursor: str | None) -> int:
    try:
        text = base64.b64decode(f"{cursor or 'MA'}==").decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    for each in (cursor or "", text):
        if each.isdecimal():
            return int(each)
    raise refusal(400, "Invalid cursor")


def _as_csv(names: Iterable[str], rows: list[dict[str, Any]], headers: Mapping[str, str]) -> Answer:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if names:
        writer.writerow(names)
    writer.writerows(row.values() for row in rows)
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(200, text.getvalue().encode(), "text/csv", headers=own)
