"""The product layer: metaproperties with options, and the options that belong to these.

Source: Bynder's published definition of the product layer. That every metaproperty with options belongs to
it is assumed.
"""

from __future__ import annotations

from typing import Any

from damlink_sandbox.bynder.portal import Portal, json_object, number, refusal
from damlink_sandbox.bynder.state import Metaproperty, Option
from damlink_sandbox.router import Answer, Call, Routes, json_answer

_PATH = "/api/pim"
_MANAGE = "METAPROPERTYMANAGEMENT"

routes: Routes[Portal] = Routes()


@routes.add(f"GET {_PATH}/metaproperties", scopes="meta.assetbank:read", roles="metaproperty.view")
def _list(portal: Portal, _call: Call) -> Answer:
    return json_answer(200, [one.id for one in portal.metaproperties.values() if one.takes_options])


@routes.add(f"GET {_PATH}/metaproperties/{{id}}", scopes="meta.assetbank:read", roles=_MANAGE)
def _get(portal: Portal, call: Call) -> Answer:
    found = _find(portal, call.params["id"])
    options = [
        {**_shown(found, option), "relations": _children(portal, option)} for option in found.options.values()
    ]
    own = {"id": found.id, "name": found.name, "label": found.label, "description": ""}
    return json_answer(200, {**own, "mp_options": options})


@routes.add(f"GET {_PATH}/metaproperties/{{id}}/options", scopes="meta.assetbank:read", roles=_MANAGE)
def _options(portal: Portal, call: Call) -> Answer:
    found, page = _find(portal, call.params["id"]), number(call.query.get("page"), 1)
    limit = number(call.query.get("limit"), 20)
    ordered = sorted(
        found.options.values(), key=lambda one: one.name, reverse=call.query.get("order") == "desc"
    )
    chosen = ordered[(page - 1) * limit : page * limit]
    shown = [{**_shown(found, option), "product_options": _children(portal, option)} for option in chosen]
    return json_answer(200, shown)


@routes.add(f"PUT {_PATH}/metapropertyoptions/{{id}}", scopes="meta.assetbank:write")
def _modify(portal: Portal, call: Call) -> Answer:
    data, known = json_object(call), _all_options(portal)
    own = call.params["id"].upper()
    children = [str(child).upper() for child in (data or {}).get("children") or ()]
    if own not in known:
        raise refusal(404, "Meta property option not found")
    if data is None or not set(children) <= known.keys():
        raise refusal(400, "Invalid children")
    portal.services.children[own] = children
    return Answer(204)


def _find(portal: Portal, given: str) -> Metaproperty:
    found = portal.metaproperties.get(given.upper())
    if found is None:
        raise refusal(404, "Metaproperty not found")
    return found


def _all_options(portal: Portal) -> dict[str, tuple[Metaproperty, Option]]:
    return {
        key: (one, option) for one in portal.metaproperties.values() for key, option in one.options.items()
    }


def _children(portal: Portal, option: Option) -> list[dict[str, Any]]:
    known = _all_options(portal)
    linked = (known.get(child) for child in portal.services.children.get(option.id, ()))
    return [_shown(*found) for found in linked if found]


def _shown(metaproperty: Metaproperty, option: Option) -> dict[str, Any]:
    return {
        "id": option.id, "name": option.name, "label": option.label, "description": "",
        "metapropertyid": metaproperty.id,
    }  # fmt: skip
