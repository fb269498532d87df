"""Scenes and findings of the demo: tagged assets in the portal, compared with library and portal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from damlink_sandbox import Finding, Scene

if TYPE_CHECKING:
    from damlink_gelato.sandbox.library import Library
    from damlink_sandbox import Part

FOLDER = "DAM import"
TAG = "Gelato"
# The name under which the portal keeps the label "Gelato URL".
LINK = "Gelato_URL"
MOST_TAGGED = 3

Record = Mapping[str, Any]


def furnish(library: Library, parts: Mapping[str, Part]) -> str:
    """Put a few tagged assets into the portal, listed at once, and one without the tag: its id."""
    portal = parts["bynder"]
    lag = portal.control("settings", {})["index_lag"]
    portal.control("lag", {"index": 0})
    media = library.world.media[: MOST_TAGGED + 1]
    made = ""
    for number, file in enumerate(media):
        tags = [TAG] if number < MOST_TAGGED else []
        body = {"media": number, "name": f"For print: {file.filename}", "tags": tags}
        made = portal.control("add_asset", body)["id"]
    portal.control("lag", {"index": lag})
    return str(made)


def findings(files: Sequence[Record], parts: Mapping[str, Part]) -> Iterator[Finding]:
    """Compare each tagged asset of the portal with the library."""
    latest = {file["asset_id"]: file for file in files if file["folder"] == FOLDER}
    for asset in parts["bynder"].state()["assets"]:
        if TAG in asset["tags"]:
            yield _finding(asset, latest.get(asset["id"]))


def _finding(asset: Record, file: Record | None) -> Finding:
    key, sha256, name = asset["id"], asset["sha256"], asset["name"]
    if file is None:
        return Finding(key, sha256, name, ok=False, note=f"not in Gelato's folder {FOLDER!r}")
    link = asset["metaproperties"].get(LINK, "")
    if link != file["checkout_url"]:
        return Finding(key, sha256, name, ok=False, note=f"the portal has the link {link!r}")
    note = f"in Gelato's folder {FOLDER!r}, the portal links to {link}"
    return Finding(key, sha256, name, ok=file["sha256"] == sha256, note=note)


def scenes(
    files: Callable[[], Sequence[Record]], parts: Mapping[str, Part], asset_id: str
) -> Iterator[Scene]:
    """Yield the scenes: an asset is tagged; then everything happens to it that must not import it again, and
    a new version.
    """
    portal = parts["bynder"]

    def change(**changes: Any) -> None:
        portal.control("change_asset", {"id": asset_id, **changes})

    def find_import(times: int) -> Finding | None:
        """Return the asset beside its latest file, once the portal has the link of so many imports."""
        asset = next(each for each in portal.state()["assets"] if each["id"] == asset_id)
        own = [file for file in files() if file["asset_id"] == asset_id]
        if len(own) < times or asset["metaproperties"].get(LINK) != own[-1]["checkout_url"]:
            return None
        found = _finding(asset, own[-1])
        if len(own) == times:
            return found
        return Finding(asset_id, asset["sha256"], asset["name"], ok=False, note=f"imported {len(own)} times")

    def touch() -> None:
        change(tags=[])
        change(tags=[TAG])
        change(name="For print: renamed")
        portal.control("add_version", {"id": asset_id, "media": 0})

    yield Scene(f"somebody tags an asset {TAG!r}", lambda: change(tags=[TAG]), lambda: find_import(1))
    yield Scene(
        "somebody takes the tag away, sets it again, renames the asset, and uploads a new version",
        touch,
        lambda: find_import(2),
    )
