"""The options of metaproperties. Source: Bynder's published definition of metaproperty options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from damlink_sandbox.bynder.form_json import object_given
from damlink_sandbox.bynder.portal import Portal, answer_created, number, numeric_refusal, refusal, words
from damlink_sandbox.bynder.state import Asset, Metaproperty, Option
from damlink_sandbox.router import Answer, Call, Routes, json_answer

MANAGERS = "METAPROPERTYMANAGEMENT METAMANAGEMENT"
# Of options within a metaproperty.
LEGACY = "%B, %d %Y %H:%M:%S +0000"
_ISO = "%Y-%m-%dT%H:%M:%S+00:00"
_ID = re.compile(r"[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{16}")

routes: Routes[Portal] = Routes()


def find_metaproperty(portal: Portal, call: Call) -> Metaproperty:
    """Return the metaproperty that the path names.

    Raises:
        Refusal: 404.
    """
    found = portal.metaproperties.get(call.params["id"].upper())
    if found is None:
        raise numeric_refusal(404, "Metaproperty not found")
    return found


def add_option(portal: Portal, metaproperty: Metaproperty, data: Mapping[str, Any]) -> Option:
    """Add an option and those nested in it."""
    extra = {name: value for name, value in data.items() if name != "options"}
    label = str(data.get("label") or data["name"])
    option = Option(portal.ids.new(), str(data["name"]), label, portal.world.clock.now(), extra)
    metaproperty.options[option.id] = option
    for nested in data.get("options") or ():
        add_option(portal, metaproperty, {**nested, "parentId": option.id})
    return option


@routes.add("GET /api/v4/metaproperties/options", scopes="meta.assetbank:read")
def _by_ids(portal: Portal, call: Call) -> Answer:
    if not call.query.get("ids"):
        raise refusal(400, "No data sent")
    every = {key: option for one in portal.metaproperties.values() for key, option in one.options.items()}
    wanted = words(call.query["ids"].upper())
    if not every.keys() >= set(wanted):
        raise refusal(400, "Invalid metaproperty option id sent")
    return json_answer(200, [render_option(every[key]) for key in wanted])


@routes.add("GET /api/v4/metaproperties/{id}/options", scopes="meta.assetbank:read")
def _list(portal: Portal, call: Call) -> Answer:
    metaproperty = portal.metaproperties.get(call.params["id"].upper())
    if metaproperty is None or not metaproperty.takes_options:
        raise refusal(400, "Invalid metaproperty ID")
    found = list(metaproperty.options.values())
    if name := call.query.get("name"):
        found = [option for option in found if option.name == name]
    if reference := call.query.get("externalReference"):
        found = [option for option in found if option.extra.get("externalReference") == reference]
    limit, page = number(call.query.get("limit"), 50, 1000), number(call.query.get("page"), 1)
    return json_answer(200, [render_option(option) for option in found[(page - 1) * limit : page * limit]])


@routes.add("POST /api/v4/metaproperties/{id}/options", scopes="meta.assetbank:write", roles=MANAGERS)
def _create(portal: Portal, call: Call) -> Answer:
    metaproperty = _with_options(portal, call)
    data = object_given(call)
    for one in (data, *_below(data)):
        _check_name(metaproperty, str(one.get("name") or ""))
    return answer_created(id=add_option(portal, metaproperty, data).id)


def _with_options(portal: Portal, call: Call) -> Metaproperty:
    found = portal.metaproperties.get(call.params["id"].upper())
    if found is None and _ID.fullmatch(call.params["id"].upper()):
        raise refusal(404, "Metaproperty not found")
    if found is None or not found.takes_options:
        raise refusal(400, "Invalid metaproperty ID")
    return found


def _below(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    nested = data.get("options") or []
    if not isinstance(nested, list) or not all(isinstance(one, dict) for one in nested):
        raise refusal(400, "Invalid JSON")
    return [deep for one in nested for deep in (one, *_below(one))]


def _check_name(metaproperty: Metaproperty, name: str) -> None:
    if not name:
        raise refusal(400, "Meta property option name is required")
    for option in metaproperty.options.values():
        if option.name.lower() == name.lower():
            message = "Meta property option with this name already exists"
            raise refusal(400, message, existingUUID=option.id)


@routes.add(
    "POST /api/v4/metaproperties/{id}/options/{optionId}", scopes="meta.assetbank:write", roles=MANAGERS
)
def _modify(portal: Portal, call: Call) -> Answer:
    option, data = _find_option(find_metaproperty(portal, call), call), object_given(call)
    if data.get("name", option.name) != option.name:
        raise refusal(400, "Editing meta property option name not allowed")
    option.label = str(data.get("label") or option.label)
    option.extra |= data
    return answer_created()


@routes.add(
    "DELETE /api/v4/metaproperties/{id}/options/{optionId}", scopes="meta.assetbank:write", roles=MANAGERS
)
def _delete(portal: Portal, call: Call) -> Answer:
    """Delete an option, from the assets, too (assumed)."""
    metaproperty = find_metaproperty(portal, call)
    option = _find_option(metaproperty, call)
    del metaproperty.options[option.id]
    for asset in list(portal.assets.values()):
        if option.id in asset.values.get(metaproperty.id, ()):
            portal.store(_without(asset, metaproperty.id, option.id))
    return Answer(204)


def _without(asset: Asset, metaproperty_id: str, option_id: str) -> Asset:
    rest = tuple(value for value in asset.values[metaproperty_id] if value != option_id)
    return attrs.evolve(asset, values={**asset.values, metaproperty_id: rest})


def _find_option(metaproperty: Metaproperty, call: Call) -> Option:
    found = metaproperty.options.get(call.params["optionId"].upper())
    if found is None:
        raise refusal(404, "Meta property option not found")
    return found


def render_option(option: Option, date: str = _ISO) -> dict[str, Any]:
    """Return an option as JSON; its date in that form."""
    extra = option.extra
    shown: dict[str, Any] = {
        "id": option.id,
        "name": option.name,
        "label": option.label,
        "displayLabel": option.label,
        "labels": extra.get("labels", {}),
        "description": extra.get("description", ""),
        "descriptions": extra.get("descriptions", {}),
        "externalReference": extra.get("externalReference", ""),
        "zindex": extra.get("zindex", 1),
        "date": option.created.strftime(date),
        "active": 1,
        "isSelectable": int(bool(extra.get("isSelectable", True))),
        "hideByDefault": 0,
        "image": "",
        "product_suffix": "",
        "pregeneratedZipFileSize": 0,
        "linkedOptionIds": option.linked,
    }
    return {**shown, "parentId": option.parent} if option.parent else shown
