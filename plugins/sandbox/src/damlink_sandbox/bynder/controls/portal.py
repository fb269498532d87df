"""Control actions on the portal: lags, rights, the waiting room, assets of other people."""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

import attrs

from damlink_sandbox.bynder.actions import Actions, Body
from damlink_sandbox.bynder.metaproperties import create
from damlink_sandbox.bynder.portal import Portal, moment
from damlink_sandbox.bynder.save import store_file
from damlink_sandbox.bynder.state import Asset, Brand, File, Preset
from damlink_sandbox.content import Content, Filled

ACTIONS = Actions()


@ACTIONS.add
def roles(portal: Portal, body: Body) -> Any:
    """Set the roles of the user's profile: `{"roles": […]}`."""
    portal.access.own_profile.roles = set(body["roles"])
    return sorted(portal.access.own_profile.roles)


@ACTIONS.add
def scopes(portal: Portal, body: Body) -> Any:
    """Set the scopes of all tokens and of the application: `{"scopes": […]}`."""
    portal.access.set_scopes(body["scopes"])
    return sorted(portal.access.client.scopes)


@ACTIONS.add
def tokens(portal: Portal, body: Body) -> Any:
    """Change tokens: `{"expire": true, "lifetime": s, "rotate": bool, "revoke": bool, "redirects": [urls]}`.

    `expire` ends all access tokens now; `rotate` makes a refresh answer a new refresh token;
    `revoke` refuses the permanent token; `redirects` registers more addresses with the application.
    """
    access = portal.access
    if body.get("expire"):
        access.expire_all()
    access.lifetime = float(body.get("lifetime", access.lifetime))
    access.rotates = bool(body.get("rotate", access.rotates))
    access.revoked = bool(body.get("revoke", access.revoked))
    access.client.redirects += tuple(body.get("redirects", ()))
    return {"lifetime": access.lifetime, "rotate": access.rotates, "revoke": access.revoked}


@ACTIONS.add
def lag(portal: Portal, body: Body) -> Any:
    """Set the lags: `{"conversion": s, "index": s, "s3": s}`, all optional."""
    return _set(portal, {f"{name}_lag": float(value) for name, value in body.items()})


@ACTIONS.add
def strict_brand(portal: Portal, body: Body) -> Any:
    """Refuse a save without a brand, or not: `{"on": bool}`."""
    return _set(portal, {"strict_brand": bool(body.get("on", True))})


@ACTIONS.add
def second_save(portal: Portal, body: Body) -> Any:
    """Set the result of a second save of an import: `{"makes": "refuse" or "asset"}`."""
    return _set(portal, {"second_save": _one_of(body["makes"], "refuse", "asset")})


@ACTIONS.add
def second_finalise(portal: Portal, body: Body) -> Any:
    """Set the result of a second finalisation of an upload: `{"makes": "refuse" or "import"}`."""
    return _set(portal, {"second_finalise": _one_of(body["makes"], "refuse", "import")})


@ACTIONS.add
def settings(portal: Portal, body: Body) -> Any:
    """Change any of `Settings` by its own name."""
    return _set(portal, body)


def _set(portal: Portal, changes: Body) -> dict[str, Any]:
    portal.settings = attrs.evolve(portal.settings, **changes)
    return attrs.asdict(portal.settings)


def _one_of(value: str, *choices: str) -> str:
    if value not in choices:
        raise ValueError(f"expected one of {choices}, got {value!r}")
    return value


@ACTIONS.add
def brands(portal: Portal, body: Body) -> Any:
    """Replace the brands, with their sub-brands: `{"brands": [names], "below": {name: [names]}}`."""
    below = body.get("below", {})
    portal.brands = [
        Brand(
            portal.ids.new(),
            name,
            sub_brands=tuple(Brand(portal.ids.new(), sub) for sub in below.get(name, ())),
        )
        for name in body["brands"]
    ]
    return [{"id": one.id, "name": one.name} for brand in portal.brands for one in (brand, *brand.sub_brands)]


@ACTIONS.add
def derivatives(portal: Portal, body: Body) -> Any:
    """Replace the presets: `{"presets": [{"prefix", "width", "height", …}]}`, as in `Preset`."""
    portal.library.presets = [Preset(portal.ids.uuid(), **preset) for preset in body["presets"]]
    return [preset.id for preset in portal.library.presets]


@ACTIONS.add
def metaproperty(portal: Portal, body: Body) -> Any:
    """Add a metaproperty: `{"name", "type", "options": [names], "multi": bool}`."""
    kind, several = body.get("type", "text"), bool(body.get("multi"))
    made = create(portal, body["name"], kind, options=tuple(body.get("options", ())), is_multiselect=several)
    return {"id": made.id}


@ACTIONS.add
def approve(portal: Portal, body: Body) -> Any:
    """Move `{"id": …}`, or all, out of the waiting room."""
    waiting = [asset for asset in portal.assets.values() if asset.in_waiting_room and not asset.deleted]
    chosen = [asset for asset in waiting if body.get("id", asset.id).upper() == asset.id]
    if "id" in body and not chosen:
        raise KeyError(body["id"])
    for asset in chosen:
        portal.store(attrs.evolve(asset, in_waiting_room=False))
    return [asset.id for asset in chosen]


@ACTIONS.add
def add_asset(portal: Portal, body: Body) -> Any:
    """Add assets: `{"name", "filename", "tags", "description", "copyright", "brand", "public", "created",
    "times": n}`.

    The bytes are `text`, `base64`, `media` (the number of one of the world's files) or just a `size`.
    With `times` there are so many, numbered. Everything may be left out.
    """
    content, file_name = _bytes(portal, body)
    created = moment(body["created"]) if body.get("created") else portal.world.clock.now()
    file = store_file(portal, file_name, content, created, 1)
    numbers = range(1, int(body.get("times", 1)) + 1)
    made = [_put(portal, body, file, number if "times" in body else None) for number in numbers]
    return {"id": made[0], "ids": made}


def _put(portal: Portal, body: Body, file: File, number: int | None) -> str:
    name = body.get("name") or PurePosixPath(file.file_name).stem
    asset = Asset(
        id=portal.ids.new(),
        name=name if number is None else f"{name} {number}",
        brand_id=portal.brand(body.get("brand")),
        created=file.created,
        modified=file.created,
        published=file.created,
        versions=(attrs.evolve(file, id=portal.ids.new()),),
        user_id=portal.access.user.id,
        description=body.get("description", ""),
        copyright=body.get("copyright", ""),
        tags=tuple(body.get("tags", ())),
        is_public=bool(body.get("public")),
    )
    portal.store(asset)
    return asset.id


def _bytes(portal: Portal, body: Body) -> tuple[Content, str]:
    if "media" in body:
        media = portal.world.media[int(body["media"])]
        return media, body.get("filename", media.filename)
    data = body["text"].encode() if "text" in body else base64.b64decode(body.get("base64", ""))
    content = Filled(int(body.get("size", len(data) or 1024)), data or portal.ids.hex(64).encode())
    return content, body.get("filename", "asset.jpg")


_OWN = {
    "archive": "is_archived",
    "limited": "is_limited",
    "watermarked": "is_watermarked",
    "public": "is_public",
    "version": "active_number",
}


@ACTIONS.add
def change_asset(portal: Portal, body: Body) -> Any:
    """Change the asset `{"id"}`: any of `name tags description copyright archive limited watermarked public
    views related focus version`. `related`: asset ids by metaproperty id; `focus`: shares of width and
    height; `version`: the number of the one to show.
    """
    asset = portal.assets[body["id"].upper()]
    changes = {_OWN.get(name, name): value for name, value in body.items() if name != "id"}
    for name in ("tags", "focus"):
        if changes.get(name) is not None:
            changes[name] = tuple(changes[name])
    if "related" in changes:
        changes["related"] = {key: tuple(assets) for key, assets in changes["related"].items()}
    portal.store(attrs.evolve(asset, modified=portal.world.clock.now(), **changes))
    return {"id": asset.id}


@ACTIONS.add
def add_version(portal: Portal, body: Body) -> Any:
    """Add a version of the asset `{"id"}`, with bytes as for `add_asset`."""
    asset = portal.assets[body["id"].upper()]
    content, file_name = _bytes(portal, body)
    now = portal.world.clock.now()
    file = store_file(portal, file_name, content, now, asset.versions[-1].number + 1)
    portal.store(attrs.evolve(asset, modified=now, versions=(*asset.versions, file), active_number=0))
    return {"id": asset.id, "number": file.number}


@ACTIONS.add
def delete_asset(portal: Portal, body: Body) -> Any:
    """Delete the asset `{"id": …}`."""
    asset = portal.assets[body["id"].upper()]
    deleted: datetime = portal.world.clock.now()
    portal.store(attrs.evolve(asset, deleted=deleted))
    return {"id": asset.id}
