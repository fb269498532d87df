"""Derivatives: the account's presets, the files they make, and the addresses of public files.

Source: Bynder's published definitions of account, derivative presets and public links.
"""

from __future__ import annotations

import mimetypes
from typing import Any

from PIL import Image, ImageOps

from damlink_sandbox.bynder.picture import encode, picture
from damlink_sandbox.bynder.portal import Portal, refusal
from damlink_sandbox.bynder.render import kind, short_id, slug, thumbnails
from damlink_sandbox.bynder.state import Asset, Preset
from damlink_sandbox.bynder.transform import find_by_uuid
from damlink_sandbox.content import Content, Filled
from damlink_sandbox.router import Answer, Call, Refusal, Routes, json_answer

# The sizes are assumed.
_SIZES = {"mini": (80, 80), "thul": (250, 250), "webimage": (800, 800)}
_GREY = (128, 128, 128, 255)

routes: Routes[Portal] = Routes()


def defaults(portal: Portal) -> None:
    """Add the one preset of a new portal."""
    portal.library.presets = [Preset(portal.ids.uuid(), "500x500", 500, 500, is_crop=True)]


@routes.add("GET /api/v4/account/derivatives")
def _derivatives(portal: Portal, _call: Call) -> Answer:
    return json_answer(200, [_render(preset, bool) for preset in portal.library.presets])


@routes.add("GET /api/1/derivative-presets")
def _presets(portal: Portal, _call: Call) -> Answer:
    return json_answer(200, [{"id": one.id, **_render(one, int)} for one in portal.library.presets])


@routes.add("GET /api/1/derivative-presets/{id}")
def _preset(portal: Portal, call: Call) -> Answer:
    for preset in portal.library.presets:
        if preset.id == call.params["id"].lower():
            return json_answer(200, {"id": preset.id, **_render(preset, int)})
    raise refusal(404, "Derivative preset not found")  # assumed


def _render(preset: Preset, flag: type[int]) -> dict[str, Any]:
    return {
        "prefix": preset.prefix,
        "width": preset.width,
        "height": preset.height,
        "dpi": preset.dpi,
        "isCrop": flag(preset.is_crop),
        "isExtent": flag(preset.is_extent),
        "isOnTheFly": flag(preset.is_on_the_fly),
        "isPublic": flag(preset.is_public),
        "allowedTypes": preset.allowed_types,
    }


@routes.add("GET /api/1/assets/{id}/public-links")
def _public_links(portal: Portal, call: Call) -> Answer:
    asset = find_by_uuid(portal, call.params["id"])
    if asset is None or kind(asset) != "video":
        raise Refusal(Answer(404, b"manifest file not found", "text/plain"))
    base = f"{portal.world.origins['portal']}/vod-stream/{call.params['id'].lower()}"
    hls, dash = f"{base}/play-hls2.m3u8", f"{base}/play-dash.mpd"
    return json_answer(200, {"hls": hls, "dash": dash, "embedCode": f'<div bvd-manifest-url="{hls}"></div>'})


@routes.add("GET /m/{hash}/{name}", open=True, slow=True)
def _public_derivative(portal: Portal, call: Call) -> Answer:
    with portal.lock:
        asset, wanted = _find(portal, call), call.params["name"]
        names = {f"{name}-{slug(asset)}.png": name for name in thumbnails(portal, asset)}
    if kind(asset) == "video" and wanted.startswith("preview-"):
        return _original(asset)
    if wanted not in names:
        raise _nothing()
    content = derivative(portal, asset, names[wanted])
    return Answer(200, b"", "image/png", stream=content.read(), size=content.size)


@routes.add("GET /m/{hash}/original/{name}", open=True)
def _public_original(portal: Portal, call: Call) -> Answer:
    asset = _find(portal, call)
    if (
        not (asset.is_public and portal.settings.seo_base_url)
        or call.params["name"] != asset.active.file_name
    ):
        raise _nothing()
    return _original(asset)


def _find(portal: Portal, call: Call) -> Asset:
    for asset in portal.assets.values():
        if asset.visible and short_id(asset.id) == call.params["hash"]:
            return asset
    raise _nothing()


def _original(asset: Asset) -> Answer:
    content = asset.active.content
    media_type = mimetypes.guess_type(asset.active.file_name)[0] or "application/octet-stream"
    return Answer(200, b"", media_type, stream=content.read(), size=content.size)


def _nothing() -> Refusal:
    return Refusal(Answer(404, b"Not Found", "text/plain"))


def derivative(portal: Portal, asset: Asset, name: str) -> Content:
    """Return the PNG of a preset or a built-in derivative; without a picture it is a grey one (assumed)."""
    for preset in portal.library.presets:
        if preset.prefix == name:
            return _make(asset.active.content, (preset.width, preset.height), preset.is_crop)
    return _make(asset.active.content, _SIZES[name], is_crop=False)


def _make(content: Content, size: tuple[int, int], is_crop: bool) -> Content:
    image = picture(content) or Image.new("RGBA", size, _GREY)
    if is_crop:
        image = ImageOps.fit(image, size)
    else:
        # Never larger than the original.
        image.thumbnail(size)
    data = encode(image, "PNG", 0)
    return Filled(len(data), data)
