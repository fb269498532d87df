"""The options of metaproperties as the newer taxonomy service lists them.

Source: Bynder's published definition of taxonomy.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from damlink_sandbox.bynder.portal import Portal, number
from damlink_sandbox.bynder.render import uuid_of
from damlink_sandbox.bynder.state import Metaproperty, Option
from damlink_sandbox.router import Answer, Call, Refusal, Routes, json_answer

routes: Routes[Portal] = Routes()


@routes.add("GET /api/1/taxonomy/metaproperties/{id}/options", scopes="meta.assetbank:read")
def _list(portal: Portal, call: Call) -> Answer:
    metaproperty, query = _find(portal, call.params["id"]), call.query
    found = sorted(metaproperty.options.values(), key=_cursor)
    if reference := query.get("externalReference"):
        found = [option for option in found if option.extra.get("externalReference") == reference]
    if ids := {one.lower() for one in parse_qs(call.query_string).get("ids", ())}:
        found = [option for option in found if uuid_of(option.id) in ids]
    start, before, limit = query.get("start"), query.get("before"), number(query.get("limit"), 20)
    _check(start, before)
    if before:
        ahead = [option for option in found if _cursor(option) < before]
        page = ahead[-limit:]
    else:
        page = [option for option in found if not start or _cursor(option) >= start][:limit]
    shown = [_render(metaproperty, option) for option in page]
    return json_answer(200, {"options": shown, "metadata": _metadata(found, page)})


def _find(portal: Portal, uuid: str) -> Metaproperty:
    found = [one for key, one in portal.metaproperties.items() if uuid_of(key) == uuid.lower()]
    if not found:
        raise _refusal(404, "metaproperty-not-existing", "Metaproperty does not exist")
    return found[0]


def _check(start: str | None, before: str | None) -> None:
    if start and before:
        text = "Invalid parameters provided for listing options with cursor pagination, "
        text += "'start' and 'before' cannot be used together"
        raise _refusal(400, "option-list-cursor-parameter-invalid", text)
    if any(cursor and "_" not in cursor for cursor in (start, before)):
        text = "Invalid cursor format, expected 'name_optionId'"
        raise _refusal(400, "option-list-cursor-format-invalid", text)


def _metadata(found: list[Option], page: list[Option]) -> dict[str, str]:
    """Return the cursors of the pages around this one, each only where there is such a page (assumed)."""
    metadata = {}
    if page and page[0] is not found[0]:
        metadata["prevPage"] = _cursor(page[0])
    if page and page[-1] is not found[-1]:
        metadata["nextPage"] = _cursor(found[found.index(page[-1]) + 1])
    return metadata


def _cursor(option: Option) -> str:
    return f"{option.name}_{uuid_of(option.id)}"


def _render(metaproperty: Metaproperty, option: Option) -> dict[str, Any]:
    return {
        "id": uuid_of(option.id),
        "name": option.name,
        "externalReference": option.extra.get("externalReference", ""),
        "icon": "",
        "metapropertyId": uuid_of(metaproperty.id),
    }


def _refusal(status: int, code: str, message: str) -> Refusal:
    return Refusal(json_answer(status, {"errorCode": code, "message": message}))
