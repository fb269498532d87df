"""An asset as JSON, in lists and by id. Source: reference 3.1, 3.2."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from damlink.sandbox._bynder_portal import Portal
from damlink.sandbox._bynder_records import Asset, File

_KINDS = {
    "image": "jpg jpeg png gif tif tiff webp bmp svg eps ai psd heic",
    "video": "mp4 mov avi mkv webm m4v mpg mpeg",
    "audio": "mp3 wav aac flac ogg m4a",
    "3d": "obj glb gltf stl fbx usdz",
}
_KIND_OF = {extension: kind for kind, extensions in _KINDS.items() for extension in extensions.split()}


def stamp(when: datetime) -> str:
    """A date as assets carry it: whole seconds, UTC."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def extension(file: File) -> str:
    """Lower case, without the dot."""
    return PurePosixPath(file.file_name).suffix[1:].lower()


def kind(asset: Asset) -> str:
    """`image`, `video`, `audio`, `3d` or `document`, by the extension."""
    return _KIND_OF.get(extension(asset.active), "document")


def orientation(file: File) -> str:
    """`landscape`, `portrait` or `square`."""
    if file.width == file.height:
        return "square"
    return "landscape" if file.width > file.height else "portrait"


def rendered(portal: Portal, asset: Asset) -> dict[str, Any]:
    """The asset as a list shows it."""
    file = asset.active
    user = portal.access.users.get(asset.user_id)
    origin = portal.world.origins["portal"]
    data: dict[str, Any] = {
        "id": asset.id,
        "idHash": _hash(asset.id),
        "name": asset.name,
        "description": asset.description,
        "copyright": asset.copyright,
        "type": kind(asset),
        "extension": [extension(file)],
        "fileName": file.file_name,
        "fileSize": file.content.size,
        "width": file.width,
        "height": file.height,
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
        "thumbnails": _thumbnails(portal, asset),
        "transformBaseUrl": f"{origin}/transform/{_dashed(asset.id)}/{quote(asset.name)}",
        "ecsArchiveFiles": [],
        **_properties(portal, asset),
    }
    if asset.tags:
        data["tags"] = list(asset.tags)
    return data


def _properties(portal: Portal, asset: Asset) -> dict[str, Any]:
    shown: dict[str, Any] = {"propertyOptions": []}
    for key, values in asset.values.items():
        metaproperty = portal.metaproperties.get(key)
        if metaproperty is None or not values:
            continue
        if metaproperty.takes_options:
            shown["propertyOptions"] += values
            shown[f"property_{metaproperty.name}"] = [metaproperty.options[value].name for value in values]
        else:
            shown[f"property_{metaproperty.name}"] = values[0]
    return shown


def short_items(portal: Portal, asset: Asset) -> list[dict[str, Any]]:
    """`mediaItems` as a list shows them. Source: reference 3.1."""
    url = _thumbnails(portal, asset)["webimage"]
    items = [{"name": asset.active.file_name, "type": "original", "publicUrl": ""}]
    items.append({"name": "webimage", "type": "web", "publicUrl": url})
    return items + [
        {"name": one.file_name, "type": "additional", "additionalId": one.id} for one in asset.additionals
    ]


def all_items(portal: Portal, asset: Asset) -> list[dict[str, Any]]:
    """`mediaItems` of every version, with additionals. Source: reference 3.2."""
    items = [_item(portal, asset, file, "original") for file in asset.versions]
    return items + [_item(portal, asset, file, "additional") for file in asset.additionals]


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
        "thumbnails": _thumbnails(portal, asset),
    }


def _thumbnails(portal: Portal, asset: Asset) -> dict[str, str]:
    base = f"{portal.world.origins['portal']}/m/{_hash(asset.id)}"
    return {name: f"{base}/{name}-{quote(asset.name)}.png" for name in ("mini", "thul", "webimage")}


def _hash(asset_id: str) -> str:
    return asset_id.replace("-", "").lower()[:16]


def _dashed(asset_id: str) -> str:
    return f"{asset_id[:23]}-{asset_id[23:]}".lower()
