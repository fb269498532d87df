"""Metaproperties. Source: Bynder's published definition of metaproperties."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs

from damlink_sandbox.bynder.form_json import object_given
from damlink_sandbox.bynder.options import LEGACY, MANAGERS, add_option, find_metaproperty, render_option
from damlink_sandbox.bynder.portal import Portal, answer_created, flag, numeric_refusal, refusal, words
from damlink_sandbox.bynder.render import kind
from damlink_sandbox.bynder.state import TYPES, Metaproperty, Option
from damlink_sandbox.router import Answer, Call, Routes, json_answer

_ON = ("isApiField", "isEditable", "isFilterable", "showInListView")
_OFF = ("isMultifilter", "isRequired", "isMainfilter", "isDisplayField", "isDrilldown", "showInGridView")
_FLAGS = (*_ON, *_OFF, "showInDuplicateView")

routes: Routes[Portal] = Routes()


def defaults(portal: Portal) -> None:
    """Add the metaproperties of a new portal: one text and two with options."""
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
        add_option(portal, made, {"name": option})
    portal.metaproperties[made.id] = made
    return made


@routes.add("GET /api/v4/metaproperties", scopes="meta.assetbank:read")
def _list(portal: Portal, call: Call) -> Answer:
    wanted = words(call.query["ids"].upper()) if call.query.get("ids") else portal.metaproperties
    found = [one for key, one in portal.metaproperties.items() if key in wanted]
    counts = _counts(portal, call)
    return json_answer(200, {one.name: _render(one, call, counts) for one in found})


@routes.add("GET /api/v4/metaproperties/{id}", scopes="meta.assetbank:read")
def _get(portal: Portal, call: Call) -> Answer:
    one = find_metaproperty(portal, call)
    return json_answer(200, _render(one, call, _counts(portal, call)))


@routes.add("POST /api/v4/metaproperties", scopes="meta.assetbank:write", roles=MANAGERS)
def _create(portal: Portal, call: Call) -> Answer:
    data = object_given(call)
    name, kind = str(data.get("name") or ""), data.get("type")
    if kind not in TYPES:
        raise numeric_refusal(400, "Invalid metaproperty type")
    if not re.fullmatch(r"[\w-]+", name, re.ASCII):
        raise refusal(400, "Invalid metaproperty name")  # assumed
    if any(one.name.lower() == name.lower() for one in portal.metaproperties.values()):
        raise refusal(400, "Metaproperty with this name already exists")  # assumed
    label, several = str(data.get("label") or ""), bool(data.get("isMultiselect"))
    made = create(portal, name, kind, label=label, is_multiselect=several, extra=data)
    return answer_created(id=made.id)


@routes.add("POST /api/v4/metaproperties/{id}", scopes="meta.assetbank:write", roles=MANAGERS)
def _modify(portal: Portal, call: Call) -> Answer:
    """`name` is immutable: another one is passed over (assumed)."""
    one, data = find_metaproperty(portal, call), object_given(call)
    kind = data.get("type", one.type)
    if kind not in TYPES or attrs.evolve(one, type=kind).takes_options != one.takes_options:
        raise numeric_refusal(400, "Invalid metaproperty type")
    one.type = kind
    one.label = str(data.get("label") or one.label)
    one.is_multiselect = bool(data.get("isMultiselect", one.is_multiselect))
    one.extra |= data
    return answer_created()


@routes.add("DELETE /api/v4/metaproperties/{id}", scopes="meta.assetbank:write", roles=MANAGERS)
def _delete(portal: Portal, call: Call) -> Answer:
    """Delete a metaproperty and its values (assumed)."""
    one = find_metaproperty(portal, call)
    del portal.metaproperties[one.id]
    for asset in list(portal.assets.values()):
        if one.id in asset.values:
            rest = {key: values for key, values in asset.values.items() if key != one.id}
            portal.store(attrs.evolve(asset, values=rest))
    return Answer(204)


def _counts(portal: Portal, call: Call) -> Counter[str] | None:
    """Count the listed assets of each option, of the requested types only; `None` where none is requested."""
    if not flag(call.query.get("count")):
        return None
    kinds = words(call.query.get("type", ""))
    listed = [asset for asset in portal.list_indexed().values() if not kinds or kind(asset) in kinds]
    return Counter(value for asset in listed for values in asset.values.values() for value in values)


def _render(one: Metaproperty, call: Call, counts: Counter[str] | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": one.id,
        "name": one.name,
        "label": one.label,
        "labels": one.extra.get("labels", {}),
        "type": one.type,
        "zindex": one.extra.get("zindex", 1),
        "isMultiselect": int(one.is_multiselect),
        "useDependencies": int(any(option.dependencies for option in one.options.values())),
        **{name: int(bool(one.extra.get(name, name in _ON))) for name in _FLAGS},
    }
    if one.takes_options and flag(call.query.get("options", "1")):
        tops = [option for option in one.options.values() if option.parent not in one.options]
        shown["options"] = [_render_nested(one, option, counts) for option in tops]
    return shown


def _render_nested(one: Metaproperty, option: Option, counts: Counter[str] | None) -> dict[str, Any]:
    shown = render_option(option, LEGACY)
    if counts is not None:
        shown["mediaCount"] = counts[option.id]
    if below := [child for child in one.options.values() if child.parent == option.id]:
        shown["options"] = [_render_nested(one, child, counts) for child in below]
    return shown
