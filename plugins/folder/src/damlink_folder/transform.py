"""Conversion of a file and its metadata to an asset. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from damlink import Content, PreparedAsset, SourceAsset
from damlink_folder.names import printable, split_name, to_path
from damlink_folder.settings import FIELDS, FolderSettings

__all__ = ["File", "map_fields", "prepare", "sub_folders"]


@attrs.frozen
class File(PreparedAsset):
    """Prepared asset with the place of its file.

    Attributes:
        place: path of the file now, which differs from its source id after it was moved.
        collection: name of the collection that it goes to; empty for none.
        problem: why it is rejected; empty if it is not.
    """

    place: str = attrs.field(kw_only=True)
    collection: str = attrs.field(kw_only=True, default="")
    problem: str = attrs.field(kw_only=True, default="")


def prepare(settings: FolderSettings, source: SourceAsset, content: Content, place: str) -> File:
    """Return the asset of a file."""
    folders = sub_folders(source)
    values = map_fields(settings, source.raw["metadata"])
    tags = (*values["tags"], *(folders if settings.folders == "tags" else ()))
    return File(
        content=content,
        name=values["name"] or _stem(content.filename),
        description=values["description"],
        copyright=values["copyright"],
        tags=tuple(dict.fromkeys(tags)),
        metaproperties=values["metaproperties"],
        content_fingerprint=source.raw["content"],
        place=place,
        collection=folders[0] if folders and settings.folders == "collection" else "",
        problem=source.raw["problem"],
    )


def sub_folders(source: SourceAsset) -> tuple[str, ...]:
    """Return the names of the folders that a file is in, the outermost first."""
    folder = split_name(to_path(source))[0]
    return tuple(printable(name) for name in folder.split("/")) if folder else ()


def map_fields(settings: FolderSettings, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the asset, and its metaproperties, from the fields of its metadata."""
    found: dict[str, Any] = {
        name: _text(metadata.get(settings.fields.get(name, ""))) for name in FIELDS if name != "tags"
    }
    tags = metadata.get(settings.fields.get("tags", ""))
    return found | {
        "tags": _texts(tags, settings.separator),
        "metaproperties": _metaproperties(settings, metadata),
    }


def _metaproperties(settings: FolderSettings, metadata: Mapping[str, Any]) -> dict[str, str | list[str]]:
    found: dict[str, str | list[str]] = {}
    for name, field in settings.metaproperties.items():
        value = metadata.get(field)
        is_several = name in settings.several or isinstance(value, list)
        found[name] = _texts(value, settings.separator) if is_several else _text(value)
    # What is missing or empty sets nothing.
    return {name: value for name, value in found.items() if value}


def _texts(value: Any, separator: str) -> list[str]:
    parts: Iterable[Any] = value if isinstance(value, list) else _text(value).split(separator)
    return [text for part in parts if (text := _text(part).strip())]


def _text(value: Any) -> str:
    """Return a value of JSON as text; lists and objects as JSON has no place in a field for people."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def _stem(filename: str) -> str:
    return filename.rpartition(".")[0] or filename
