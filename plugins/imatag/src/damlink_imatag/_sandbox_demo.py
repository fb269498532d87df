"""What a demo shows: assets put into the portal to be marked, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import httpx

from damlink.sandbox import Finding
from damlink_imatag import _sandbox_mark as marks
from damlink_imatag._sandbox_library import Library

if TYPE_CHECKING:
    from damlink.sandbox import MediaFile, Part

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


def findings(library: Library, parts: Mapping[str, Part], ids: Iterable[str], prop: str) -> Iterator[Finding]:
    """Each asset: marked once, with a mark that can be read back from what the portal delivers."""
    portal = parts["bynder"]
    stored = {asset["id"]: asset for asset in portal.state()["assets"]}
    with httpx.Client(base_url=portal.connector()["url"]) as client:
        client.headers["Authorization"] = f"Bearer {portal.connector()['token']}"
        for key in ids:
            yield _finding(library, stored[key], _delivered(client, key), prop)


def _delivered(client: httpx.Client, asset_id: str) -> bytes:
    """The original as anybody with the right downloads it."""
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
        "the hash is not that of its original": asset["metaproperties"].get(prop) != original,
    }
    wrong = [what for what, applies in problems.items() if applies]
    note = "; ".join(wrong) or f"marked once; the mark reads {item.id if item else ''}"
    return Finding(asset["id"], asset["sha256"], asset["name"], not wrong, note)
