"""An asset as JSON, in lists and by id. Source: Bynder's published definition of assets."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from damlink_sandbox.bynder.portal import Portal
from damlink_sandbox.bynder.state import Asset, File, Metaproperty

BUILT_IN = ("mini", "thul", "webimage")
_KINDS = {
    "image": "jpg jpeg png gif tif tiff webp bmp svg eps ai psd heic",
    "video": "mp4 mov avi mkv webm m4v mpg mpeg",
    "audio": "mp3 wav aac flac ogg m4a",
    "3d": "obj glb gltf stl fbx usdz",
    "archive": "zip rar 7z tar gz",
}
_KIND_OF = {extension: kind for kind, extensions in _KINDS.items() for extension in extensions.split()}


def stamp(when: datetime) -> str:
    """Format a date as assets carry it: whole seconds, UTC."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def extension(file: File) -> str:
    """Lower case, without the dot."""
    return PurePosixPath(file.file_name).suffix[1:].lower()


def kind(asset: Asset) -> str:
    """`image`, `video`, `audio`, `3d`, `archive` or `document`, by the extension."""
    return _KIND_OF.get(extension(asset.active), "document")


def orientation(file: File) -> str:
    """`landscape`, `portrait` or `square`."""
    if file.width == file.height:
        return "square"
    return "landscape" if file.width > file.height else "portrait"


def render_asset(portal: Portal, asset: Asset) -> dict[str, Any]:
    """Render the asset for a list."""
    file = asset.active
    user = portal.access.users.get(asset.user_id)
    data: dict[str, Any] = {
        "id": asset.id,
        "idHash": short_id(asset.id),
        "name": asset.name,
        "description": asset.description,
        "copyright": asset.copyright,
        "type": kind(asset),
        "extension": [extension(file)],
        "fileName": file.file_name,
        "fileSize": _number(portal, file.content.size),
        "width": _number(portal, file.width),
        "height": _number(portal, file.height),
        "orientation": orientation(file),
        "brandId": asset.brand_id,
        "userCreated": user.name if user else "",
        "dateCreated": stamp(asset.created),
        "dateModified": stamp(asset.modified),
        "datePublished": stamp(asset.published),
        "archive": int(asset.is_archived),
        "limited": int(asset.is_limited),
        "isPublic": int(asset.is_public),
        "watermarked": int(asset.is_watermarked),
        "thumbnails": thumbnails(portal, asset),
        "transformBaseUrl": f"{portal.world.origins['portal']}/transform/{uuid_of(asset.id)}/{slug(asset)}",
        "ecsArchiveFiles": [],
    }
    return data | _optional(portal, asset) | _properties(portal, asset)


def _number(portal: Portal, value: int) -> int | str:
    return str(value) if portal.settings.numbers_as_strings else value


def _optional(portal: Portal, asset: Asset) -> dict[str, Any]:
    """Return the fields that only some assets have."""
    file, data = asset.active, dict[str, Any]()
    if asset.tags or not portal.settings.omit_empty_tags:
        data["tags"] = list(asset.tags)
    if file.width and file.height:
        x, y = asset.focus or (0.5, 0.5)
        data["activeOriginalFocusPoint"] = {"x": file.width * x, "y": file.height * y}
    if original := original_url(portal, asset):
        data["original"] = original
    if kind(asset) == "video":
        data["videoPreviewURLs"] = [f"{_public(portal, asset)}/preview-{slug(asset)}.{extension(file)}"]
    return data


def _properties(portal: Portal, asset: Asset) -> dict[str, Any]:
    shown: dict[str, Any] = {"propertyOptions": []}
    for key, values in asset.values.items():
        metaproperty = portal.metaproperties.get(key)
        if metaproperty is None or not values:
            continue
        if metaproperty.takes_options:
            shown["propertyOptions"] += values
        shown[f"property_{metaproperty.name}"] = _value(portal, metaproperty, values)
    return shown


def _value(portal: Portal, metaproperty: Metaproperty, values: tuple[str, ...]) -> str | list[str]:
    if not metaproperty.takes_options:
        return values[0]
    names = [metaproperty.options[value].name for value in values if value in metaproperty.options]
    if portal.settings.single_option_as_string and not metaproperty.is_multiselect:
        return names[0] if names else ""
    return names


def render_related(portal: Portal, asset: Asset) -> list[dict[str, Any]]:
    """Render `relatedAssets` of a single asset. Source: Bynder's published definition of assets."""
    known = portal.metaproperties
    return [
        {"metaPropertyId": key, "metaPropertyName": known[key].name, "assets": list(assets)}
        for key, assets in asset.related.items()
        if key in known
    ]


def short_items(portal: Portal, asset: Asset) -> list[dict[str, Any]]:
    """Render `mediaItems` for a list. Source: Bynder's published definition of assets."""
    original = {"name": asset.active.file_name, "type": "original", "publicUrl": original_url(portal, asset)}
    web = [{"name": n, "type": "web", "publicUrl": url} for n, url in thumbnails(portal, asset).items()]
    additional = [
        {"name": one.file_name, "type": "additional", "publicUrl": "", "additionalId": one.id}
        for one in asset.additionals
    ]
    return [original, *web, *additional]


def all_items(portal: Portal, asset: Asset) -> list[dict[str, Any]]:
    """Render `mediaItems` of every version, with derivatives and additionals. Source: the official SDKs."""
    originals = [_item(portal, asset, file, "original") for file in asset.versions]
    web = [_web_item(asset, name, url) for name, url in thumbnails(portal, asset).items()]
    return originals + web + [_item(portal, asset, file, "additional") for file in asset.additionals]


def _item(portal: Portal, asset: Asset, file: File, kind: str) -> dict[str, Any]:
    return {
        "id": file.id,
        "fileName": file.file_name,
        "type": kind,
        "version": file.number or asset.active.number,
        "active": int(file is asset.active or kind == "additional"),
        "size": file.content.size,
        "width": file.width or None,
        "height": file.height or None,
        "dateCreated": stamp(file.created),
        "thumbnails": thumbnails(portal, asset),
    }


def _web_item(asset: Asset, name: str, url: str) -> dict[str, Any]:
    return {
        "id": derivative_id(asset.active, name),
        "fileName": f"{name}-{slug(asset)}.png",
        "type": "web",
        "version": asset.active.number,
        "active": 1,
        "dateCreated": stamp(asset.active.created),
        "publicUrl": url,
    }


def derivative_id(file: File, name: str) -> str:
    """Return the item id of a derivative of `file`, always the same."""
    text = hashlib.sha256(f"{file.id} {name}".encode()).hexdigest()[:32].upper()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:]}"


def thumbnails(portal: Portal, asset: Asset) -> dict[str, str]:
    """Return the addresses of the public derivatives, by name."""
    names = (*BUILT_IN, *(preset.prefix for preset in portal.library.presets if preset.is_public))
    return {name: f"{_public(portal, asset)}/{quote(name)}-{slug(asset)}.png" for name in names}


def original_url(portal: Portal, asset: Asset) -> str:
    """Return the address of a public asset's original; else empty."""
    if not (asset.is_public and portal.settings.seo_base_url):
        return ""
    return f"{_public(portal, asset)}/original/{quote(asset.active.file_name, safe='')}"


def _public(portal: Portal, asset: Asset) -> str:
    return f"{portal.world.origins['portal']}/m/{short_id(asset.id)}"


def slug(asset: Asset) -> str:
    """Return the name in the form of addresses."""
    return re.sub(r"[^a-z0-9]+", "-", asset.name.lower()).strip("-") or "asset"


def short_id(item_id: str) -> str:
    """Return the short form of an id, as in `idHash` (its making is assumed)."""
    return item_id.replace("-", "").lower()[:16]


def uuid_of(own_id: str) -> str:
    """Return an id of the asset bank in the form of newer services (assumed); one in that form as it is."""
    return own_id.lower() if own_id[23:24] == "-" else f"{own_id[:23]}-{own_id[23:]}".lower()
