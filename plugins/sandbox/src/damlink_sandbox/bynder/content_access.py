"""Access of users, groups and profiles to metaproperties and options.

Source: Bynder's published definitions of access rights. Cursors are ids of rules, and a visibility is any
text (assumed).
"""

from __future__ import annotations

from typing import Any

from damlink_sandbox.bynder.portal import Portal, json_object, number, refusal
from damlink_sandbox.bynder.render import uuid_of
from damlink_sandbox.router import Answer, Call, Routes, json_answer

_METAPROPERTIES = "/api/content_access/metaproperties/{id}"
_OPTIONS = "/api/1/content-access/options/{id}"
_KINDS = ("user", "group", "profile")
_LEVEL = "metaproperty.hide"

routes: Routes[Portal] = Routes()


@routes.add(f"GET {_METAPROPERTIES}")
def _rules(portal: Portal, call: Call) -> Answer:
    return json_answer(200, _of(portal, call))


@routes.add(f"POST {_METAPROPERTIES}")
def _add(portal: Portal, call: Call) -> Answer:
    return json_answer(201, _keep(portal, call, "metaproperty"))


@routes.add(f"DELETE {_METAPROPERTIES}")
def _remove(portal: Portal, call: Call) -> Answer:
    data, own = json_object(call) or {}, {rule["id"] for rule in _of(portal, call)}
    for rule in own & set(data.get("contentAccessIds") or ()):
        del portal.services.access[rule]
    return Answer(204)


@routes.add(f"GET {_OPTIONS}")
def _option_rules(portal: Portal, call: Call) -> Answer:
    found, query = _of(portal, call), call.query
    if "principalId" in query:
        found = [rule for rule in found if rule["principalId"] == query["principalId"]]
    keys = [rule["id"] for rule in found]
    if query.get("start") in keys:
        found = found[keys.index(query["start"]) :]
    if query.get("before") in keys:
        found = found[: keys.index(query["before"])]
    return json_answer(200, found[: number(query.get("limit"), 20, 1000)])


@routes.add(f"PUT {_OPTIONS}")
def _set_option(portal: Portal, call: Call) -> Answer:
    """Replace the rules about one option (assumed)."""
    before = [rule["id"] for rule in _of(portal, call)]
    made = _keep(portal, call, "option")
    for rule in before:
        del portal.services.access[rule]
    return json_answer(200, made)


@routes.add(f"GET {_OPTIONS}/visibility")
def _visibility(portal: Portal, call: Call) -> Answer:
    kept = portal.services.visibility.get(_own(call), "visible")
    return json_answer(200, {"defaultVisibility": kept})


@routes.add(f"PUT {_OPTIONS}/visibility")
def _set_visibility(portal: Portal, call: Call) -> Answer:
    wanted = (json_object(call) or {}).get("defaultVisibility")
    if not isinstance(wanted, str) or not wanted:
        raise refusal(400, "Invalid defaultVisibility")
    portal.services.visibility[_own(call)] = wanted
    return json_answer(200, {"defaultVisibility": wanted})


def _own(call: Call) -> str:
    """Return the id of the path in the form that the answers have."""
    return uuid_of(call.params["id"])


def _of(portal: Portal, call: Call) -> list[dict[str, Any]]:
    own = _own(call)
    return [rule for rule in portal.services.access.values() if rule["contentId"] == own]


def _keep(portal: Portal, call: Call, kind: str) -> list[dict[str, str]]:
    data = json_object(call) or {}
    principals = data.get("principals")
    if data.get("level") != _LEVEL or not isinstance(principals, list) or not principals:
        raise refusal(400, "Invalid level or principals")
    if not all(isinstance(one, dict) and one.get("principalType") in _KINDS for one in principals):
        raise refusal(400, "Invalid principals")
    for one in principals:
        rule = portal.ids.uuid()
        portal.services.access[rule] = {
            "id": rule, "contentId": _own(call), "contentType": kind, "level": _LEVEL,
            "ruleType": "allow", "principalId": str(one.get("principalId")),
            "principalType": one["principalType"], **_named(portal, str(one.get("principalId"))),
        }  # fmt: skip
    return [
        {"principalId": one.get("principalId"), "principalType": one["principalType"]} for one in principals
    ]


def _named(portal: Portal, key: str) -> dict[str, Any]:
    access = portal.access
    for records in (access.users, access.groups, access.profiles):
        found = next((record for own, record in records.items() if uuid_of(own) == uuid_of(key)), None)
        if found is not None:
            email = getattr(found, "email", "")
            return {"principalName": found.name, "principalExtraInformation": {"email": email}}
    raise refusal(400, "Unknown principal")
