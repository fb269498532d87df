"""Places where integrations show assets.

Source: Bynder's published definition of asset usage; the texts of its errors are assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from damlink_sandbox.bynder.portal import Portal, json_object, moment
from damlink_sandbox.bynder.render import stamp
from damlink_sandbox.bynder.state import Usage
from damlink_sandbox.router import Answer, Call, Refusal, Routes, json_answer

_PATH = "/api/media/usage"
_MISSING = "This field is required."
_UNKNOWN = "Asset not found."

routes: Routes[Portal] = Routes()


@routes.add(f"GET {_PATH}", scopes="asset.usage:read", roles="STATISTICS")
def _list(portal: Portal, call: Call) -> Answer:
    if "asset_id" in call.query:
        _check(_asset_fault(portal, call.query["asset_id"]))
    return json_answer(200, [_render(one) for one in _find_matches(portal, call.query)])


@routes.add(f"POST {_PATH}", scopes="asset.usage:write", roles="STATISTICS")
def _create(portal: Portal, call: Call) -> Answer:
    fields = call.form()
    _check(_faults(portal, fields))
    return json_answer(200, _render(_add(portal, fields)))


@routes.add(f"DELETE {_PATH}", scopes="asset.usage:write", roles="STATISTICS")
def _delete(portal: Portal, call: Call) -> Answer:
    """Remove the usages that match; without a match there is nothing to do (assumed)."""
    _check(_faults(portal, call.query))
    for one in _find_matches(portal, call.query):
        del portal.library.usages[one.id]
    return Answer(204)


@routes.add(f"POST {_PATH}/sync", scopes="asset.usage:write", roles="STATISTICS")
def _sync(portal: Portal, call: Call) -> Answer:
    """Make the given usages the only ones of the integration's `uris` (assumed)."""
    integration, uris, usages = _read_sync(call)
    answer: dict[str, list[Any]] = {"accepted": [], "new": [], "rejected": [], "removed": []}
    held = {(one.asset_id, one.uri): one for one in _find_matches(portal, {"integration_id": integration})}
    for usage in usages:
        fields = {"integration_id": integration, **_text(usage)}
        if reason := _reason(portal, fields, uris):
            answer["rejected"].append(_subset(fields, "asset_id", "uri") | {"reason": reason})
            continue
        answer["accepted"].append(_subset(fields, "asset_id", "uri", "additional"))
        if held.pop((fields["asset_id"].upper(), fields["uri"]), None) is None:
            answer["new"].append(_render(_add(portal, fields)))
    for one in held.values():
        if one.uri in uris:
            del portal.library.usages[one.id]
            answer["removed"].append({"asset_id": one.asset_id, "uri": one.uri})
    return json_answer(200, answer)


def _read_sync(call: Call) -> tuple[str, list[str], list[Mapping[str, Any]]]:
    body = json_object(call) or {}
    integration, uris, usages = body.get("integration_id"), body.get("uris"), body.get("usages")
    lists = {"uris": uris, "usages": usages}
    faults = {name: "A list is required." for name, value in lists.items() if not isinstance(value, list)}
    _check(({} if integration else {"integration_id": _MISSING}) | faults)
    return (
        str(integration),
        list(map(str, uris or ())),
        [one for one in usages or () if isinstance(one, dict)],
    )


def _text(usage: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(usage.get(name) or "") for name in ("asset_id", "uri", "additional")}


def _reason(portal: Portal, fields: Mapping[str, str], uris: Iterable[str]) -> str:
    if fields["uri"] not in uris:
        return "The uri is not one of uris."
    return _asset_fault(portal, fields["asset_id"]).get("asset_id", "")


def _subset(fields: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: fields[name] for name in names}


def _add(portal: Portal, fields: Mapping[str, str]) -> Usage:
    made = Usage(
        id=portal.ids.uuid(),
        integration_id=fields["integration_id"],
        asset_id=fields["asset_id"].upper(),
        uri=fields.get("uri", ""),
        additional=fields.get("additional", ""),
        timestamp=moment(fields["timestamp"]) if fields.get("timestamp") else portal.world.clock.now(),
    )
    portal.library.usages[made.id] = made
    return made


def _find_matches(portal: Portal, query: Mapping[str, str]) -> list[Usage]:
    return [
        one
        for one in portal.library.usages.values()
        if query.get("asset_id", one.asset_id).upper() == one.asset_id
        and query.get("integration_id", one.integration_id) == one.integration_id
        and query.get("uri", one.uri) == one.uri
    ]


def _render(one: Usage) -> dict[str, Any]:
    return {
        "id": one.id,
        "asset_id": one.asset_id,
        "integration": {"id": one.integration_id, "description": ""},
        "timestamp": stamp(one.timestamp),
        "uri": one.uri,
        "additional": one.additional,
    }


def _faults(portal: Portal, fields: Mapping[str, str]) -> dict[str, str]:
    missing = {} if fields.get("integration_id") else {"integration_id": _MISSING}
    return missing | _asset_fault(portal, fields.get("asset_id", ""))


def _asset_fault(portal: Portal, asset_id: str) -> dict[str, str]:
    if not asset_id:
        return {"asset_id": _MISSING}
    asset = portal.assets.get(asset_id.upper())
    return {} if asset is not None and asset.visible else {"asset_id": _UNKNOWN}


def _check(faults: Mapping[str, str]) -> None:
    if faults:
        raise Refusal(json_answer(400, dict(faults)))
