"""Scenes and findings of the demo: assets in the portal that are to be marked, and their marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import httpx

from damlink_imatag.sandbox import mark as marks
from damlink_imatag.sandbox.library import Library
from damlink_sandbox import Finding, Scene

if TYPE_CHECKING:
    from damlink_sandbox import MediaFile, Part

TAG = "protect"
PICTURES, FILMS = 3, 1


def furnish(library: Library, parts: Mapping[str, Part]) -> list[str]:
    """Put a few of the world's files into the portal, with the tag that selects them; their ids."""
    media = library.world.media
    chosen = [*_smallest(media, marks.IMAGES, PICTURES), *_smallest(media, marks.VIDEOS, FILMS)]
    portal = parts["bynder"]
    return [portal.control("add_asset", {"media": number, "tags": [TAG]})["id"] for number in chosen]


def _smallest(media: Iterable[MediaFile], suffixes: Iterable[str], count: int) -> list[int]:
    kinds = tuple(suffixes)
    fitting = [
        (file.size, number) for number, file in enumerate(media) if file.filename.lower().endswith(kinds)
    ]
    return sorted(number for _, number in sorted(fitting)[:count])


def _is_picture(file: MediaFile) -> bool:
    return file.filename.lower().endswith(tuple(marks.IMAGES))


def findings(library: Library, parts: Mapping[str, Part], ids: Iterable[str], prop: str) -> Iterator[Finding]:
    """Yield each asset: marked once, with a mark that can be read back from the portal's file."""
    portal = parts["bynder"]
    stored = {asset["id"]: asset for asset in portal.state()["assets"]}
    with httpx.Client(base_url=portal.connector()["url"]) as client:
        client.headers["Authorization"] = f"Bearer {portal.connector()['token']}"
        for key in ids:
            yield _finding(library, stored[key], _download(client, key), prop)


def _download(client: httpx.Client, asset_id: str) -> bytes:
    """Download the original as any user with the right does."""
    address = client.get(f"/api/v4/media/{asset_id}/download/").raise_for_status().json()["s3_file"]
    return httpx.get(address).raise_for_status().content


def _finding(library: Library, asset: Mapping[str, Any], data: bytes, prop: str) -> Finding:
    item = library.detect(data)
    original = asset["versions"][0]["sha256"]
    problems = {
        "no mark can be read from it": item is None,
        "the mark is another asset's": item is not None and asset["id"] not in item.metadata.values(),
        "it has been marked more than once": library.world.counts[f"marks:{asset['id']}"] > 1,
        "it has not got one version more": len(asset["versions"]) != 2,
        "the hash is not that of its original": _original_hash(asset, prop) != original,
    }
    wrong = [what for what, applies in problems.items() if applies]
    note = "; ".join(wrong) or f"marked once; the mark reads {item.id if item else ''}"
    return Finding(asset["id"], asset["sha256"], asset["name"], not wrong, note)


def _original_hash(asset: Mapping[str, Any], prop: str) -> str:
    """Return the original's hash, the first of the two that the connector keeps with an asset."""
    original, _, _marked = (asset["metaproperties"].get(prop) or "").partition(" ")
    return original


def scenes(library: Library, parts: Mapping[str, Part], ids: Sequence[str], prop: str) -> Iterator[Scene]:
    """Yield one scene: the original of one asset is replaced; that asset is marked again, and no other."""
    portal, counts, media = parts["bynder"], library.world.counts, library.world.media
    key, *others = ids
    other = max(range(len(media)), key=lambda number: media[number].size * _is_picture(media[number]))
    marked = {each: counts[f"marks:{each}"] for each in ids}

    def replace() -> None:
        portal.control("add_version", {"id": key, "media": other})

    def find_second_mark() -> Finding | None:
        asset = next(each for each in portal.state()["assets"] if each["id"] == key)
        if len(asset["versions"]) < 4 or _original_hash(asset, prop) != asset["versions"][2]["sha256"]:
            return None
        once_more = counts[f"marks:{key}"] == marked[key] + 1
        alone = all(counts[f"marks:{each}"] == marked[each] for each in others)
        note = "its new original is marked, and no other asset" if once_more and alone else "marked too often"
        return Finding(key, asset["sha256"], asset["name"], ok=once_more and alone, note=note)

    yield Scene("somebody uploads a new version of an asset that is marked", replace, find_second_mark)
