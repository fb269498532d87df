"""The quarantine: what the virus scan has found, and its review.

Source: Bynder's published definition of antivirus. Where it says nothing, the answers are assumed.
"""

from __future__ import annotations

from typing import Any

from damlink_sandbox.bynder.access import need
from damlink_sandbox.bynder.portal import Portal, json_object
from damlink_sandbox.bynder.render import uuid_of
from damlink_sandbox.bynder.rights import AUDIT_QUARANTINE
from damlink_sandbox.router import Answer, Call, Refusal, Routes, json_answer

_PATH = "/v7/quarantine/v1"
_READ, _WRITE = "antivirus.asset.audit:read", "antivirus.asset.audit:write"
# As the request names a review, and as the answer does.
_SHOWN = {"APPROVED": "APPROVED", "DENIED": "REJECTED"}

routes: Routes[Portal] = Routes()


def add(portal: Portal, asset_id: str, name: str, status: str) -> str:
    """Put an asset into the quarantine and return the id of the entry."""
    made, now = portal.ids.uuid(), f"{portal.world.clock.now():%Y-%m-%dT%H:%M:%S}"
    portal.services.quarantine[made] = {
        "id": made, "accountId": portal.workflow.account, "assetId": uuid_of(asset_id), "assetName": name,
        "requesterId": uuid_of(portal.access.user.id), "scanStatus": status, "dateAdded": now,
        "dateModified": now, "uploadEventType": "LEGACY", "fileType": "None", "fileSize": 0,
        "scanFailureReason": "client_error" if status == "SKIPPED" else "", "reviewStatus": None,
        "reviewedById": None, "isRemoved": False, "isSafe": status == "CLEARED",
    }  # fmt: skip
    return made


@routes.add(f"GET {_PATH}/assets", scopes=_READ)
def _list(portal: Portal, call: Call) -> Answer:
    need(call, AUDIT_QUARANTINE)
    found = list(portal.services.quarantine.values())
    return json_answer(200, {"totalCount": len(found), "assets": found})


@routes.add(f"GET {_PATH}/assets/{{id}}", scopes=_READ)
def _get(portal: Portal, call: Call) -> Answer:
    need(call, AUDIT_QUARANTINE)
    return json_answer(200, _find(portal, call.params["id"]))


@routes.add(f"PUT {_PATH}/assets/{{id}}", scopes=_WRITE)
def _review(portal: Portal, call: Call) -> Answer:
    need(call, AUDIT_QUARANTINE)
    _judge(portal, [_find(portal, call.params["id"])], _data(call), uuid_of(call.caller.user.id))
    return json_answer(200, {})


@routes.add(f"POST {_PATH}/antivirus-audit", scopes=_WRITE)
def _review_all(portal: Portal, call: Call) -> Answer:
    need(call, AUDIT_QUARANTINE)
    data = _data(call)
    entries = [_find(portal, str(one)) for one in data.get("antivirus_asset_ids") or ()]
    _judge(portal, entries, data, uuid_of(call.caller.user.id))
    return json_answer(200, {})


def _judge(portal: Portal, entries: list[dict[str, Any]], data: dict[str, Any], who: str) -> None:
    status = _SHOWN.get(str(data.get("review_status")))
    if status is None:
        raise Refusal(json_answer(400, {"message": "Invalid review_status"}))
    now = f"{portal.world.clock.now():%Y-%m-%dT%H:%M:%S}"
    for entry in entries:
        entry |= {"reviewStatus": status, "reviewedById": who, "dateModified": now}
        entry["isSafe"] = status == "APPROVED"


def _data(call: Call) -> dict[str, Any]:
    data = (json_object(call) or {}).get("data")
    if not isinstance(data, dict):
        raise Refusal(json_answer(400, {"message": "No data sent"}))
    return data


def _find(portal: Portal, given: str) -> dict[str, Any]:
    found = portal.services.quarantine.get(given.lower())
    if found is None:
        raise Refusal(json_answer(404, {"message": "Asset not found"}))
    return found
