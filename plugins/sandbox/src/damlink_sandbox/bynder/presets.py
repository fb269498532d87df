"""Workflow's job presets, metaproperties, users and groups.

Source: Bynder's published definitions of them; of a preset's shape, the official Java SDK.
"""

from __future__ import annotations

from typing import Any

from damlink_sandbox.bynder.access import User
from damlink_sandbox.bynder.portal import Portal
from damlink_sandbox.bynder.workflow import (
    Preset,
    WorkflowGroup,
    failure,
    find_record,
    format_date,
    workflow_id,
)
from damlink_sandbox.bynder.workflow_fields import Fields, each, read, reference, text
from damlink_sandbox.router import Answer, Call, Routes, json_answer

_BASE = "/api/workflow"
_METAPROPERTIES, _USERS, _GROUPS = f"{_BASE}/metaproperties", f"{_BASE}/users", f"{_BASE}/groups"
_GROUP_ROLES = "GROUPOVERVIEW WORKFLOWADMIN"
_FIELDS: Fields = {"name": ("name", text), "user_ids": ("users", each(reference))}

routes: Routes[Portal] = Routes()


@routes.add("GET /api/workflow/presets/job/{id}", scopes="workflow.preset:read", roles="PRESETOVERVIEW")
def _preset(portal: Portal, call: Call) -> Answer:
    preset = find_record(portal.workflow.presets, call.params["id"])
    stages = [_preset_stage(key, name, position) for position, (key, name) in enumerate(preset.stages, 1)]
    if portal.settings.wrapped_preset:
        return json_answer(200, {"preset": _preset_shown(preset, stages)})
    return json_answer(200, _preset_shown(preset, {**stages[0], "position": "1.0"}))


def _preset_shown(preset: Preset, stages: object) -> dict[str, Any]:
    return {
        "ID": preset.id, "name": preset.name, "ftp_settings": {}, "wf_uuid": preset.id,
        "presetstages": stages,
    }  # fmt: skip


def _preset_stage(key: str, name: str, position: int) -> dict[str, Any]:
    return {
        "ID": key, "name": name, "description": "", "position": position, "editableBy": "all",
        "restrictToGroupID": None, "type": "upload" if position == 1 else "approve", "responsibleID": None,
        "responsibleGroupID": None,
    }  # fmt: skip


@routes.add(f"GET {_METAPROPERTIES}", scopes="meta.workflow:read", roles="METAPROPERTYOVERVIEW")
def _metaproperties(portal: Portal, _call: Call) -> Answer:
    return json_answer(200, list(portal.workflow.metaproperties.values()))


@routes.add(f"GET {_METAPROPERTIES}/{{id}}", scopes="meta.workflow:read", roles="METAPROPERTYOVERVIEW")
def _metaproperty(portal: Portal, call: Call) -> Answer:
    return json_answer(200, find_record(portal.workflow.metaproperties, call.params["id"]))


def add_metaproperty(portal: Portal, label: str, entity: str, options: list[str]) -> str:
    """Add a workflow metaproperty with options; its id."""
    made, now = portal.ids.uuid(), format_date(portal.world.clock.now())
    user = portal.access.user
    creator = {"ID": workflow_id(user.id), "fullName": user.name}
    rows = [
        {"ID": portal.ids.uuid(), "position": position, "default": False, "label": option,
         "dateCreated": now, "metapropertyID": made, "created_by": creator}
        for position, option in enumerate(options, 1)
    ]  # fmt: skip
    number = len(portal.workflow.metaproperties) + 1
    portal.workflow.metaproperties[made] = {
        "ID": made, "label": label, "short_name": f"{entity.upper()}-{number}", "description": "",
        "export": "false", "removed_by": None, "dependency": None, "position": number, "default": False,
        "dateCreated": now, "exportName": "", "type": "select" if options else "text", "required": False,
        "dependencyValue": None, "assetbank_metaproperty": None, "entity": entity, "created_by": creator,
        "options": rows,
    }  # fmt: skip
    return made


@routes.add(f"GET {_USERS}", scopes="admin.user:read", roles="USERMANAGEMENT")
def _users(portal: Portal, _call: Call) -> Answer:
    return json_answer(200, [_user(key, user) for key, user in _workflow_users(portal).items()])


@routes.add(f"GET {_USERS}/{{id}}", scopes="admin.user:read", roles="USERMANAGEMENT")
def _one_user(portal: Portal, call: Call) -> Answer:
    user = find_record(_workflow_users(portal), call.params["id"])
    return json_answer(200, _user(workflow_id(user.id), user))


def _workflow_users(portal: Portal) -> dict[str, User]:
    return {workflow_id(user.id): user for user in portal.access.users.values() if user.is_active}


def _user(key: str, user: User) -> dict[str, Any]:
    return {"ID": key, "fullname": user.name, "BynderUser": _person(key, user)}


def _person(key: str, user: User) -> dict[str, Any]:
    infix = user.details.get("infix") or None
    names = {"firstName": user.first_name, "lastName": user.last_name, "infix": infix}
    return {**names, "email": user.email, "id": key}


@routes.add(f"GET {_GROUPS}", scopes="workflow.group:read", roles=_GROUP_ROLES)
def _groups(portal: Portal, _call: Call) -> Answer:
    return json_answer(200, [_group(portal, one) for one in portal.workflow.groups.values()])


@routes.add(f"POST {_GROUPS}", scopes="workflow.group:write", roles=_GROUP_ROLES)
def _create_group(portal: Portal, call: Call) -> Answer:
    given = read(call, _FIELDS)
    if not given.get("name"):
        raise failure(400)  # assumed
    creator, now = workflow_id(call.caller.user.id), portal.world.clock.now()
    made = WorkflowGroup(
        portal.ids.uuid(), given["name"], creator, now, _members(portal, given.get("users", []))
    )
    portal.workflow.groups[made.id] = made
    # That it answers the group is assumed.
    return json_answer(200, _group(portal, made))


@routes.add(f"GET {_GROUPS}/{{id}}", scopes="workflow.group:read", roles=_GROUP_ROLES)
def _one_group(portal: Portal, call: Call) -> Answer:
    return json_answer(200, _group(portal, find_record(portal.workflow.groups, call.params["id"])))


@routes.add(f"PUT {_GROUPS}/{{id}}", scopes="workflow.group:write", roles=_GROUP_ROLES)
def _modify_group(portal: Portal, call: Call) -> Answer:
    group, given = find_record(portal.workflow.groups, call.params["id"]), read(call, _FIELDS)
    group.name = given.get("name") or group.name
    group.users = _members(portal, given.get("users", group.users))
    return json_answer(200, _group(portal, group))


@routes.add(f"DELETE {_GROUPS}/{{id}}", scopes="workflow.group:write", roles=_GROUP_ROLES)
def _delete_group(portal: Portal, call: Call) -> Answer:
    del portal.workflow.groups[find_record(portal.workflow.groups, call.params["id"]).id]
    return Answer(204)


def _members(portal: Portal, ids: list[str | None]) -> list[str]:
    """Read ids of users; an unknown one is a 404 (assumed)."""
    users = _workflow_users(portal)
    return [workflow_id(find_record(users, one or "").id) for one in ids]


def _group(portal: Portal, group: WorkflowGroup) -> dict[str, Any]:
    everybody = _workflow_users(portal)
    users = [(key, everybody[key]) for key in group.users if key in everybody]
    members = [{"bynderUser": _person(key, user), "fullName": user.name, "ID": key} for key, user in users]
    return {
        "users": members, "accountID": portal.workflow.account, "ID": group.id,
        "createdByID": group.created_by, "name": group.name, "dateCreated": format_date(group.created),
    }  # fmt: skip
