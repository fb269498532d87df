"""Automation rules, and what they may consist of.

Source: Bynder's published definition of automation workflows. That `start` is the number of the first rule,
and that the pages around are named by such numbers, is assumed.
"""

from __future__ import annotations

from typing import Any

from damlink_sandbox.bynder.portal import Portal, json_object
from damlink_sandbox.bynder.render import stamp
from damlink_sandbox.router import Answer, Call, Refusal, Routes, json_answer

_PATH = "/api/1/automation-workflow"
_STATUSES = ("PUBLISHED", "PAUSED")
_MOST = 5
_TRIGGERS = ("AssetCreated", "RelativeDate")
_TYPES = ("IMAGE", "VIDEO", "DOCUMENT", "AUDIO", "3D")
_CONDITIONS = [
    {"name": "AssetType", "weight": 1, "operators": ["CONTAINS", "DOES_NOT_CONTAIN"],
     "terms": [{"asset_type": kind} for kind in _TYPES]},
    {"name": "Archived", "weight": 2, "operators": ["STARTS_IN"],
     "terms": [{"offset_amount": 1, "offset_unit": "DAY"}]},
]  # fmt: skip
_ACTIONS = ("AGENT_ENRICHMENT", "ADD_TO_COLLECTION")

routes: Routes[Portal] = Routes()


@routes.add(f"GET {_PATH}/rules")
def _list(portal: Portal, call: Call) -> Answer:
    newest = list(reversed(portal.services.rules.values()))
    start, limit = _number(call, "start", 0), _number(call, "limit", 20)
    metadata = {}
    if start:
        metadata["previous_page"] = str(max(0, start - limit))
    if start + limit < len(newest):
        metadata["next_page"] = str(start + limit)
    return json_answer(200, {"rules": newest[start : start + limit], "metadata": metadata})


@routes.add(f"POST {_PATH}/rules")
def _create(portal: Portal, call: Call) -> Answer:
    data = _data(call)
    if not data.get("name"):
        raise _refusal(400, "name is required")
    now, made = stamp(portal.world.clock.now()), portal.ids.uuid()
    rule = {
        "id": made, "status": "PAUSED", "name": data["name"], "account_id": portal.workflow.account,
        "created_by_id": call.caller.user.id, "date_created": now, "date_modified": now,
        "triggers": data.get("triggers", []), "steps": data.get("steps", []),
    }  # fmt: skip
    portal.services.rules[made] = rule
    return json_answer(200, {key: value for key, value in rule.items() if key not in ("triggers", "steps")})


@routes.add(f"GET {_PATH}/rules/{{id}}")
def _get(portal: Portal, call: Call) -> Answer:
    return json_answer(200, _find(portal, call))


@routes.add(f"PUT {_PATH}/rules/{{id}}")
def _update(portal: Portal, call: Call) -> Answer:
    rule, data = _find(portal, call), _data(call)
    rule |= {key: data[key] for key in ("name", "triggers", "steps") if key in data}
    rule |= {"edited_by_id": call.caller.user.id, "date_modified": stamp(portal.world.clock.now())}
    return json_answer(200, rule)


@routes.add(f"DELETE {_PATH}/rules/{{id}}")
def _delete(portal: Portal, call: Call) -> Answer:
    del portal.services.rules[_find(portal, call)["id"]]
    return Answer(204)


@routes.add(f"PATCH {_PATH}/rules/{{id}}/status")
def _set_status(portal: Portal, call: Call) -> Answer:
    rule, status = _find(portal, call), _data(call).get("status")
    if status not in _STATUSES:
        raise _refusal(400, "Invalid status")
    if status == rule["status"]:
        raise _refusal(409, f"Rule is already {status.lower()}")
    rule["status"] = status
    return Answer(204)


@routes.add(f"GET {_PATH}/triggers")
def _triggers(_portal: Portal, _call: Call) -> Answer:
    return json_answer(200, {"triggers": [{"name": name} for name in _TRIGGERS]})


@routes.add(f"GET {_PATH}/conditions")
def _conditions(_portal: Portal, _call: Call) -> Answer:
    return json_answer(200, {"conditions": _CONDITIONS, "max_conditions_count": _MOST})


@routes.add(f"GET {_PATH}/actions")
def _actions(_portal: Portal, _call: Call) -> Answer:
    return json_answer(
        200, {"actions": [{"action_type": name} for name in _ACTIONS], "max_actions_limit": _MOST}
    )


def _find(portal: Portal, call: Call) -> dict[str, Any]:
    found = portal.services.rules.get(call.params["id"].lower())
    if found is None:
        raise _refusal(404, "Rule not found")
    return found


def _data(call: Call) -> dict[str, Any]:
    data = json_object(call)
    if data is None:
        raise _refusal(400, "Invalid JSON")
    return data


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name) or str(default)
    if not text.isdecimal():
        raise _refusal(400, f"Invalid {name}")
    return int(text)


def _refusal(status: int, message: str) -> Refusal:
    return Refusal(json_answer(status, {"message": message}))
