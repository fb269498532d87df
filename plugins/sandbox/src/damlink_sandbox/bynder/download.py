"""Temporary addresses of an asset's files. Source: Bynder's published definition of asset download."""

from __future__ import annotations

import attrs

from damlink_sandbox.bynder.access import need
from damlink_sandbox.bynder.derivatives import derivative
from damlink_sandbox.bynder.portal import Portal, flag, refusal
from damlink_sandbox.bynder.render import derivative_id, short_id, slug, thumbnails
from damlink_sandbox.bynder.state import Asset
from damlink_sandbox.content import Content
from damlink_sandbox.router import Answer, Call, Routes, json_answer

_DISCLAIMER = "<p>For use within the sandbox.</p>"

routes: Routes[Portal] = Routes()


@routes.add("GET /api/v4/media/{id}/download", scopes="asset:read", roles="MEDIAHIGHRES")
def _download(portal: Portal, call: Call) -> Answer:
    """Return the address of a file; of several additionals the newest (assumed)."""
    asset = portal.visible(call.params["id"])
    kind = call.query.get("type") or "original"
    if kind not in ("original", "additional"):
        raise refusal(400, "Invalid type")
    files = (asset.active,) if kind == "original" else asset.additionals
    wanted = files[-1].id if files else ""
    return _link(portal, call, asset, {file.id: (file.content, file.file_name) for file in files}, wanted)


@routes.add("GET /api/v4/media/{id}/{version}/download", scopes="asset:read", roles="MEDIAHIGHRES")
def _download_version(portal: Portal, call: Call) -> Answer:
    asset = portal.visible(call.params["id"])
    files = {str(file.number): (file.content, file.file_name) for file in asset.versions}
    return _link(portal, call, asset, files, call.params["version"])


@routes.add("GET /api/v4/media/{id}/download/{itemId}", scopes="asset:read", roles="MEDIAHIGHRES")
def _download_item(portal: Portal, call: Call) -> Answer:
    asset, item_id = portal.visible(call.params["id"]), call.params["itemId"]
    files = {file.id: (file.content, file.file_name) for file in asset.files}
    for name in thumbnails(portal, asset):
        if item_id.upper() == (own := derivative_id(asset.active, name)) or item_id.lower() == short_id(own):
            files[own] = (derivative(portal, asset, name), f"{name}-{slug(asset)}.png")
    if flag(call.query.get("hash")):
        return _link(
            portal, call, asset, {short_id(key): file for key, file in files.items()}, item_id.lower()
        )
    return _link(portal, call, asset, files, item_id.upper())


def _link(
    portal: Portal, call: Call, asset: Asset, files: dict[str, tuple[Content, str]], wanted: str
) -> Answer:
    if wanted not in files:
        raise refusal(404, "Original file not available")
    for applies, role in (
        (asset.is_archived, "ARCHIVEDOWNLOAD"),
        (asset.is_watermarked, "DOWNLOADWATERMARK"),
        (asset.is_limited, "KEYVISUALSDOWNLOAD"),
    ):
        if applies:
            need(call, role)
    portal.assets[asset.id] = attrs.evolve(asset, downloads=asset.downloads + 1)
    return json_answer(200, {"s3_file": portal.link(*files[wanted]), "disclaimer": _DISCLAIMER})
