"""Collections. Source: Bynder's published definition of collections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from damlink_sandbox.bynder.access import need
from damlink_sandbox.bynder.form_json import ids_given
from damlink_sandbox.bynder.portal import (
    Portal,
    answer_accepted,
    answer_created,
    flag,
    moment,
    numeric_refusal,
    words,
)
from damlink_sandbox.bynder.render import thumbnails
from damlink_sandbox.bynder.state import Collection
from damlink_sandbox.router import Answer, Call, Refusal, Routes, json_answer

_PATH = "/api/v4/collections"
_READ, _WRITE = "collection:read", "collection:write"
_VIEWERS = "collection.public.view INBOXPUBLIC OUTBOXPUBLIC PUBLICCOLLECTIONS"
_RIGHTS = ("view", "edit", "readOnly", "readAccess")
_KEYS: Mapping[str, Callable[[Collection], Any]] = {
    "dateCreated": lambda one: one.created,
    "name": lambda one: one.name.lower(),
}

routes: Routes[Portal] = Routes()


@routes.add(f"GET {_PATH}", scopes=_READ, roles=_VIEWERS)
def _list(portal: Portal, call: Call) -> Answer:
    query = call.query
    least = _number(query, "minCount", 0, 0)
    limit, page = min(_number(query, "limit", 50), 1000), _number(query, "page", 1)
    # The default is assumed.
    field, _, direction = (query.get("orderBy") or "dateCreated desc").partition(" ")
    if field not in _KEYS or direction not in ("asc", "desc"):
        raise _invalid()
    every = portal.library.collections.values()
    found = [one for one in every if _meets(one, query) and len(_media(portal, one)) >= least]
    found.sort(key=_KEYS[field], reverse=direction == "desc")
    shown = [_render_in_list(portal, one) for one in found[(page - 1) * limit : page * limit]]
    return json_answer(
        200, {"count": len(found), "collections": shown} if flag(query.get("count")) else shown
    )


def _meets(one: Collection, query: Mapping[str, str]) -> bool:
    return (
        (not query.get("ids") or one.id in words(query["ids"].upper()))
        and query.get("keyword", "").lower() in f"{one.name} {one.description}".lower()
        and (one.is_public or not flag(query.get("isPublic")))
    )


def _number(query: Mapping[str, str], name: str, default: int, least: int = 1) -> int:
    text = query.get(name) or str(default)
    if not text.isdecimal() or int(text) < least:
        raise _invalid()
    return int(text)


@routes.add(f"POST {_PATH}", scopes=_WRITE, roles="COLLECTIONS", multipart=True)
def _create(portal: Portal, call: Call) -> Answer:
    fields, now = call.form(), portal.world.clock.now()
    description, user_id = fields.get("description", ""), call.caller.user.id
    made = Collection(portal.ids.new(), _name(fields), description, user_id, now, now)
    portal.library.collections[made.id] = made
    answer = answer_created()
    answer.headers = {"Location": f"{portal.world.origins['portal']}{_PATH}/{made.id}/"}
    return answer


def _name(fields: Mapping[str, str]) -> str:
    if not fields.get("name", "").strip():
        raise numeric_refusal(400, "Collection name can't be empty")
    return fields["name"]


@routes.add(f"GET {_PATH}/{{id}}", scopes=_READ)
def _get(portal: Portal, call: Call) -> Answer:
    """Without its id, as published."""
    one = _find(portal, call)
    one.views += 1
    shown = {
        "name": one.name,
        "description": one.description,
        "dateCreated": _date(portal, one.created),
        "thumbnail": _cover(portal, one)["thumbnail"],
        "link": _link(portal, one),
        "views": one.views,
        "user": _user(portal, one),
    }
    return json_answer(200, shown)


@routes.add(f"POST {_PATH}/{{id}}", scopes=_WRITE, roles="COLLECTIONS", multipart=True)
def _modify(portal: Portal, call: Call) -> Answer:
    one, fields = _find(portal, call), call.form()
    name = _name(fields) if "name" in fields else one.name
    if "isPublic" in fields and flag(fields["isPublic"]) != one.is_public:
        need(call, "PUBLISHCOLLECTIONS")
        one.is_public = flag(fields["isPublic"])
    one.name, one.description = name, fields.get("description", one.description)
    one.cover = fields.get("thumbnailAssetId", one.cover).upper()
    one.modified = portal.world.clock.now()
    return answer_created()


@routes.add(f"DELETE {_PATH}/{{id}}", scopes=_WRITE)
def _delete(portal: Portal, call: Call) -> Answer:
    del portal.library.collections[_find(portal, call).id]
    return Answer(204)


@routes.add(f"POST {_PATH}/{{id}}/share", scopes=_WRITE, roles="SHARECOLLECTION SHARING", multipart=True)
def _share(portal: Portal, call: Call) -> Answer:
    one, fields = _find(portal, call), call.form()
    if not any(words(fields.get(name, "")) for name in ("recipients", "groups", "profiles")):
        raise numeric_refusal(400, "Recipients, groups or profiles must contain at least one entry")
    if fields.get("collectionOptions") not in _RIGHTS:
        raise _invalid()
    for name in ("dateStart", "dateEnd"):
        if fields.get(name):
            moment(fields[name])
    one.shares.append(fields)
    return json_answer(202, {"message": "accepted", "statuscode": 202})


@routes.add(f"GET {_PATH}/{{id}}/media", scopes=_READ)
def _list_media(portal: Portal, call: Call) -> Answer:
    return json_answer(200, _media(portal, _find(portal, call)))


@routes.add(f"POST {_PATH}/{{id}}/media", scopes=_WRITE, roles="COLLECTIONS", multipart=True)
def _add_media(portal: Portal, call: Call) -> Answer:
    """Add assets; unknown ids are ignored (assumed)."""
    one = _find(portal, call)
    known = (portal.assets.get(key) for key in ids_given(call))
    one.assets |= {asset.id: None for asset in known if asset is not None and asset.visible}
    one.modified = portal.world.clock.now()
    return answer_accepted()


@routes.add(f"DELETE {_PATH}/{{id}}/media", scopes=_WRITE, roles="COLLECTIONS")
def _remove_media(portal: Portal, call: Call) -> Answer:
    one, ids = _find(portal, call), words(call.query.get("deleteIds", "").upper())
    if not ids:
        raise _invalid()
    one.assets = {key: None for key in one.assets if key not in ids}
    one.modified = portal.world.clock.now()
    return Answer(204)


def _find(portal: Portal, call: Call) -> Collection:
    found = portal.library.collections.get(call.params["id"].upper())
    if found is None:
        raise numeric_refusal(404, "Collection not found")
    return found


def _invalid() -> Refusal:
    return numeric_refusal(400, "Invalid request parameters.")


def _media(portal: Portal, one: Collection) -> list[str]:
    return [key for key in one.assets if key in portal.assets and portal.assets[key].visible]


def _render_in_list(portal: Portal, one: Collection) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "filename": one.name.lower().replace(" ", "_"),
        "description": one.description,
        "userId": one.user_id,
        "user": _user(portal, one),
        "dateCreated": _date(portal, one.created),
        "dateModified": _date(portal, one.modified),
        "collectionCount": len(_media(portal, one)),
        "IsPublic" if portal.settings.capital_is_public else "isPublic": one.is_public,
        "cover": _cover(portal, one),
        "link": _link(portal, one),
    }


def _user(portal: Portal, one: Collection) -> dict[str, str]:
    user = portal.access.users.get(one.user_id)
    return {"id": one.user_id, "name": user.name if user else ""}


def _date(portal: Portal, when: Any) -> str:
    legacy = portal.settings.legacy_collection_dates
    return str(when.strftime("%B, %d %Y %H:%M:%S +0000" if legacy else "%Y-%m-%dT%H:%M:%SZ"))


def _cover(portal: Portal, one: Collection) -> dict[str, Any]:
    media = _media(portal, one)
    chosen = sorted(media, key=lambda key: key != one.cover)[:3]
    shown = [thumbnails(portal, portal.assets[key]) for key in chosen]
    first = shown[0] if shown else {"thul": "", "webimage": ""}
    return {
        "thumbnail": first["thul"],
        "thumbnails": [each["mini"] for each in shown],
        "large": first["webimage"],
    }


def _link(portal: Portal, one: Collection) -> str:
    return f"{portal.world.origins['portal']}/share/{one.id}/"
