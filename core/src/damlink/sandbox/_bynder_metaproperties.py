"""Metaproperties, their options, and their values on assets. Source: reference 5."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from damlink.sandbox._bynder_portal import Portal, flag, moment, number, refused, words
from damlink.sandbox._bynder_records import TYPES, Metaproperty, Option
from damlink.sandbox._router import Answer, Call, Refusal, Routes, json_answer

_MANAGERS = "METAPROPERTYMANAGEMENT METAMANAGEMENT"
_ON = ("isApiField", "isEditable", "isFilterable", "showInListView")
_OFF = ("isMultifilter", "isRequired", "isMainfilter", "isDisplayField", "isDrilldown", "showInGridView")
_FLAGS = (*_ON, *_OFF, "showInDuplicateView", "useDependencies")

routes: Routes[Portal] = Routes()


def defaults(portal: Portal) -> None:
    """What a portal has before anybody asks: one text and two with options."""
    create(portal, "Source_Id", "text")
    create(portal, "Country", "select", options=("Germany", "France", "Netherlands", "Spain"))
    create(portal, "Usage", "select2", options=("Print", "Web", "Social"), is_multiselect=True)


def create(
    portal: Portal,
    name: str,
    kind: str,
    *,
    label: str = "",
    options: tuple[str, ...] = (),
    is_multiselect: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> Metaproperty:
    """Add a metaproperty with options of these names."""
    shown = label or name.replace("_", " ")
    made = Metaproperty(portal.ids.new(), name, shown, kind, is_multiselect, extra=dict(extra or {}))
    for option in options:
        _add_option(portal, made, {"name": option})
    portal.metaproperties[made.id] = made
    return made


def _add_option(portal: Portal, metaproperty: Metaproperty, data: Mapping[str, Any]) -> Option:
    label = str(data.get("label") or data["name"])
    option = Option(portal.ids.new(), str(data["name"]), label, portal.world.clock.now(), dict(data))
    metaproperty.options[option.id] = option
    return option


@routes.add("GET /api/v4/metaproperties", scopes="meta.assetbank:read")
def _list(portal: Portal, call: Call) -> Answer:
    wanted = words(call.query["ids"].upper()) if "ids" in call.query else portal.metaproperties
    found = [one for key, one in portal.metaproperties.items() if key in wanted]
    return json_answer(200, {one.name: _shown(portal, one, call) for one in found})


@routes.add("GET /api/v4/metaproperties/{id}", scopes="meta.assetbank:read")
def _get(portal: Portal, call: Call) -> Answer:
    return json_answer(200, _shown(portal, _known(portal, call), call))


@routes.add("POST /api/v4/metaproperties", scopes="meta.assetbank:write", roles=_MANAGERS)
def _create(portal: Portal, call: Call) -> Answer:
    data = _data(call)
    name, kind = str(data.get("name") or ""), data.get("type")
    if kind not in TYPES:
        raise Refusal(json_answer(400, {"message": "Invalid metaproperty type", "statuscode": 400}))
    if not re.fullmatch(r"[\w-]+", name, re.ASCII):
        raise refused(400, "Invalid metaproperty name")  # assumed
    if any(one.name.lower() == name.lower() for one in portal.metaproperties.values()):
        raise refused(400, "Metaproperty with this name already exists")  # assumed
    label, several = str(data.get("label") or ""), bool(data.get("isMultiselect"))
    made = create(portal, name, kind, label=label, is_multiselect=several, extra=data)
    return json_answer(201, {"message": "Created", "statuscode": 201, "id": made.id})


@routes.add("GET /api/v4/metaproperties/options", scopes="meta.assetbank:read")
def _options_by_id(portal: Portal, call: Call) -> Answer:
    if not call.query.get("ids"):
        raise refused(400, "No data sent")
    every = {key: option for one in portal.metaproperties.values() for key, option in one.options.items()}
    wanted = words(call.query["ids"].upper())
    if not every.keys() >= set(wanted):
        raise refused(400, "Invalid metaproperty option id sent")
    return json_answer(200, [_option(every[key]) for key in wanted])


@routes.add("GET /api/v4/metaproperties/{id}/options", scopes="meta.assetbank:read")
def _options(portal: Portal, call: Call) -> Answer:
    found = list(_with_options(portal, call).options.values())
    if name := call.query.get("name"):
        found = [option for option in found if option.name == name]
    if reference := call.query.get("externalReference"):
        found = [option for option in found if option.extra.get("externalReference") == reference]
    limit, page = number(call.query.get("limit"), 50, 1000), number(call.query.get("page"), 1)
    return json_answer(200, [_option(option) for option in found[(page - 1) * limit : page * limit]])


@routes.add("POST /api/v4/metaproperties/{id}/options", scopes="meta.assetbank:write", roles=_MANAGERS)
def _create_option(portal: Portal, call: Call) -> Answer:
    metaproperty = _with_options(portal, call)
    data = _data(call)
    name = str(data.get("name") or "")
    if not name:
        raise refused(400, "Meta property option name is required")
    for option in metaproperty.options.values():
        if option.name.lower() == name.lower():
            message = "Meta property option with this name already exists"
            raise refused(400, message, existingUUID=option.id)
    made = _add_option(portal, metaproperty, data)
    return json_answer(201, {"message": "Created", "statuscode": 201, "id": made.id})


def _known(portal: Portal, call: Call) -> Metaproperty:
    found = portal.metaproperties.get(call.params["id"].upper())
    if found is None:
        raise Refusal(json_answer(404, {"message": "Metaproperty not found", "statuscode": 404}))
    return found


def _with_options(portal: Portal, call: Call) -> Metaproperty:
    found = portal.metaproperties.get(call.params["id"].upper())
    if found is None or not found.takes_options:
        raise refused(400, "Invalid metaproperty ID")
    return found


def _data(call: Call) -> dict[str, Any]:
    text = call.form().get("data")
    if not text:
        raise refused(400, "No data sent")
    try:
        data = json.loads(text)
    except ValueError as error:
        raise refused(400, "Invalid JSON") from error
    if not isinstance(data, dict):
        raise refused(400, "Invalid JSON")
    return data


def _shown(portal: Portal, one: Metaproperty, call: Call) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": one.id,
        "name": one.name,
        "label": one.label,
        "labels": one.extra.get("labels", {}),
        "type": one.type,
        "zindex": one.extra.get("zindex", 1),
        "isMultiselect": int(one.is_multiselect),
        **{name: int(bool(one.extra.get(name, name in _ON))) for name in _FLAGS},
    }
    if one.takes_options and flag(call.query.get("options", "1")):
        date = "%B, %d %Y %H:%M:%S +0000"  # embedded options have the legacy form, reference 2.3
        shown["options"] = [_option(option, date) for option in one.options.values()]
        if flag(call.query.get("count")):
            _count(portal, shown["options"], one.id)
    return shown


def _count(portal: Portal, options: list[dict[str, Any]], metaproperty_id: str) -> None:
    for option in options:
        held = [asset.values.get(metaproperty_id, ()) for asset in portal.listed().values()]
        option["mediaCount"] = sum(option["id"] in values for values in held)


def _option(option: Option, date: str = "%Y-%m-%dT%H:%M:%S+00:00") -> dict[str, Any]:
    return {
        "id": option.id,
        "name": option.name,
        "label": option.label,
        "displayLabel": option.label,
        "labels": option.extra.get("labels", {}),
        "externalReference": option.extra.get("externalReference", ""),
        "zindex": option.extra.get("zindex", 1),
        "date": option.created.strftime(date),
        "active": 1,
        "isSelectable": 1,
        "hideByDefault": 0,
        "linkedOptionIds": [],
    }


def values_given(portal: Portal, fields: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The values of all fields `metaproperty.<id>`; an empty one clears. Source: reference 3.3.

    Raises:
        Refusal: 400: an unknown metaproperty or option, or a malformed date. Unknown what a portal does
            (reference 10.5); assumed strict, see `Settings.check_metaproperties`.
    """
    given = {}
    for field, text in fields.items():
        prefix, _, key = field.partition(".")
        if prefix == "metaproperty":
            metaproperty = portal.metaproperties.get(key.upper())
            if metaproperty is not None:
                given[metaproperty.id] = _value(portal, metaproperty, text)
            elif portal.settings.check_metaproperties:
                raise refused(400, "Invalid metaproperty ID")
    return given


def _value(portal: Portal, metaproperty: Metaproperty, text: str) -> tuple[str, ...]:
    if not text:
        return ()
    if metaproperty.takes_options:
        return _chosen(metaproperty, text, _complaint(portal, "Invalid metaproperty option id sent"))
    if metaproperty.type == "date" and portal.settings.check_metaproperties:
        moment(text)
    return (text,)


def _complaint(portal: Portal, message: str) -> Callable[[], None]:
    def complain() -> None:
        if portal.settings.check_metaproperties:
            raise refused(400, message)

    return complain


def _chosen(metaproperty: Metaproperty, text: str, complain: Callable[[], None]) -> tuple[str, ...]:
    names = (text,) if metaproperty.option(text) else words(text)  # a name may hold a comma
    found = [metaproperty.option(name) for name in names]
    chosen = tuple(dict.fromkeys(option.id for option in found if option is not None))
    if None in found or (len(chosen) > 1 and not metaproperty.is_multiselect):
        complain()
    return chosen
