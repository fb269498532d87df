"""Dependencies between options. Source: Bynder's published definition of metaproperty options."""

from __future__ import annotations

from typing import Any

from damlink_sandbox.bynder.form_json import ids_given
from damlink_sandbox.bynder.options import MANAGERS
from damlink_sandbox.bynder.portal import Portal, answer_created, flag, refusal
from damlink_sandbox.bynder.state import UNGROUPED, Metaproperty, Option
from damlink_sandbox.router import Answer, Call, Routes, json_answer

_MANY = "/api/v4/metaproperties"
_ONE = f"{_MANY}/{{id}}/options/{{optionId}}/dependencies"
_GROUP = f"{_ONE}/group/{{groupId}}"
_READ, _WRITE = "meta.assetbank:read", "meta.assetbank:write"

routes: Routes[Portal] = Routes()


@routes.add(f"GET {_MANY}/options/dependencies", scopes=_READ)
def _of_all(portal: Portal, _call: Call) -> Answer:
    shown = {one.id: _of_options(one) for one in portal.metaproperties.values()}
    return json_answer(200, {key: options for key, options in shown.items() if options})


@routes.add(f"GET {_MANY}/{{id}}/options/dependencies", scopes=_READ)
def _of_metaproperty(portal: Portal, call: Call) -> Answer:
    return json_answer(200, _of_options(_metaproperty(portal, call)))


@routes.add(f"GET {_MANY}/{{id}}/dependencies", scopes=_READ)
def _ids(portal: Portal, call: Call) -> Answer:
    options = _metaproperty(portal, call).options.values()
    return json_answer(200, list({key: None for option in options for key in option.linked}))


@routes.add(f"GET {_ONE}", scopes=_READ)
def _of_option(portal: Portal, call: Call) -> Answer:
    option = _option(portal, call)
    grouped = flag(call.query.get("includeGroupedResults"))
    return json_answer(200, _groups(option) if grouped else list(option.dependencies.get(UNGROUPED, ())))


def _of_options(metaproperty: Metaproperty) -> dict[str, Any]:
    return {key: _groups(option) for key, option in metaproperty.options.items() if option.dependencies}


def _groups(option: Option) -> dict[str, list[str]]:
    return {name: list(ids) for name, ids in option.dependencies.items()}


@routes.add(f"POST {_ONE}/{{dependencyId}}", scopes=_WRITE, roles=MANAGERS)
def _add(portal: Portal, call: Call) -> Answer:
    option = _option(portal, call)
    option.dependencies.setdefault(UNGROUPED, {})[_dependency(portal, call)] = None
    return answer_created()


@routes.add(f"DELETE {_ONE}/{{dependencyId}}", scopes=_WRITE, roles=MANAGERS)
def _remove(portal: Portal, call: Call) -> Answer:
    _take(_option(portal, call), UNGROUPED, _dependency(portal, call))
    return Answer(204)


@routes.add(f"POST {_ONE}/group", scopes=_WRITE, roles=MANAGERS)
def _add_group(portal: Portal, call: Call) -> Answer:
    metaproperty = portal.metaproperties.get(call.params["id"].upper())
    if metaproperty is None:
        raise refusal(400, "Invalid metaproperty ID")
    option = metaproperty.options.get(call.params["optionId"].upper())
    if option is None:
        raise refusal(400, "Unknown metaproperty option id")
    members = _members(portal, call)
    group = portal.ids.new()
    option.dependencies[group] = members
    return answer_created(id=group)


@routes.add(f"POST {_GROUP}", scopes=_WRITE, roles=MANAGERS)
def _modify_group(portal: Portal, call: Call) -> Answer:
    """Replace the members by those sent (assumed)."""
    option = _option(portal, call)
    group = _group(option, call)
    option.dependencies[group] = _members(portal, call)
    return answer_created()


@routes.add(f"DELETE {_GROUP}", scopes=_WRITE, roles=MANAGERS)
def _remove_group(portal: Portal, call: Call) -> Answer:
    """Remove a group. The path is assumed: the call is published by name only."""
    option = _option(portal, call)
    del option.dependencies[_group(option, call)]
    return Answer(204)


@routes.add(f"POST {_GROUP}/{{dependencyId}}", scopes=_WRITE, roles=MANAGERS)
def _add_member(portal: Portal, call: Call) -> Answer:
    option = _option(portal, call)
    option.dependencies[_group(option, call)][_dependency(portal, call)] = None
    return answer_created()


@routes.add(f"DELETE {_GROUP}/{{dependencyId}}", scopes=_WRITE, roles=MANAGERS)
def _remove_member(portal: Portal, call: Call) -> Answer:
    option = _option(portal, call)
    _take(option, _group(option, call), _dependency(portal, call))
    return Answer(204)


def _metaproperty(portal: Portal, call: Call) -> Metaproperty:
    found = portal.metaproperties.get(call.params["id"].upper())
    if found is None:
        raise refusal(404, "Unknown metaproperty")
    return found


def _option(portal: Portal, call: Call) -> Option:
    found = _metaproperty(portal, call).options.get(call.params["optionId"].upper())
    if found is None:
        raise refusal(404, "Unknown metaproperty option")
    return found


def _group(option: Option, call: Call) -> str:
    group = call.params["groupId"].upper()
    if group not in option.dependencies:
        raise refusal(404, "Unknown group")
    return group


def _dependency(portal: Portal, call: Call) -> str:
    return _existing(portal, call.params["dependencyId"].upper())


def _existing(portal: Portal, option_id: str) -> str:
    if not any(option_id in one.options for one in portal.metaproperties.values()):
        raise refusal(404, "Unknown dependency option")
    return option_id


def _members(portal: Portal, call: Call) -> dict[str, None]:
    ids = ids_given(call)
    if not ids:
        raise refusal(400, "Data cannot be empty")
    return dict.fromkeys(_existing(portal, one) for one in ids)


def _take(option: Option, group: str, option_id: str) -> None:
    members = option.dependencies.get(group, {})
    if option_id not in members:
        raise refusal(404, "Unknown dependency option")
    del members[option_id]
    if not members:
        del option.dependencies[group]
