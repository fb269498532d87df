"""Imatag's part of the sandbox: an account with a media library that marks what it is given.

Source: imatag.com/api/doc; the paths, the fields and the states are assumed, see
docs/reference/assumptions.md. It shares nothing with the plugin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from damlink_imatag.sandbox import demo as demo
from damlink_imatag.sandbox.api import BASE, KEY, api_service, files_service
from damlink_imatag.sandbox.controls import ACTIONS
from damlink_imatag.sandbox.library import Item, Library
from damlink_sandbox import Synthetic

if TYPE_CHECKING:
    from damlink_sandbox import Finding, MediaFile, Part, Scene, World

HASH = "imatag_hash"
FIELD = "bynder_media_id"


class ImatagSandbox:
    """The stand-in for Imatag: one account, whose home directory is `acme`."""

    name = "imatag"
    # For the tests of the plugin. A page of the portal's list holds more assets than a test has.
    trial_acts = r"^POST /api/v3/media/?$"
    trial_is_paged = False

    def __init__(self, world: World) -> None:
        self._library = Library(world)
        self._furnished: list[str] = []

    def services(self) -> Mapping[str, Any]:
        """Return `imatag` (the API) and `imatag-files` (signed addresses)."""
        return {"imatag": api_service(self._library), "imatag-files": files_service(self._library)}

    def state(self) -> Any:
        """Return `media`, the whole library, and `marks`, the number of marks made."""
        with self._library.lock:
            items = list(self._library.items.values())
        return {
            "media": [_describe(self._library, item) for item in items],
            "marks": self._library.world.counts["marks"],
        }

    def control(self, action: str, body: Mapping[str, Any]) -> Any:
        """Run one of `controls.ACTIONS`. `KeyError` for another action, `TypeError` for a wrong body."""
        act = ACTIONS[action]
        with self._library.lock:
            return act(self._library, body)

    def connector(self) -> Mapping[str, Any]:
        """Return a connector that marks assets with the tag `protect`."""
        return {
            "plugin": "imatag",
            "directory": "acme/bynder",
            "media_id_metadata": FIELD,
            "hash_metaproperty": HASH,
            "filters": {"tags": demo.TAG},
            "requests_per_second": 100.0,
            "api_url": f"{self._library.world.origins['imatag']}{BASE}",
            "api_key": KEY,
        }

    def secrets(self) -> Iterable[str]:
        """Return the names of the secret settings of `connector()`."""
        return ("api_key",)

    def furnish(self, parts: Mapping[str, Part]) -> None:
        """Put assets to be marked into the portal."""
        self._furnished += demo.furnish(self._library, parts)

    @staticmethod
    def trial_media() -> Sequence[MediaFile]:
        """Return files that Imatag can mark."""
        photographs = [Synthetic(f"photo-{seed}.jpg", 30_000 + seed, "image", seed) for seed in range(3)]
        return [*photographs, Synthetic("film.mov", 90_000)]

    def trial_setup(self, parts: Mapping[str, Part]) -> None:
        """Put assets to be marked into a portal that shows them at once, and mark without delay."""
        parts["bynder"].control("lag", {"index": 0, "conversion": 0})
        self.control("settings", {"processing": 0})
        self.furnish(parts)

    def trial_requests(self, http: Any) -> None:
        """Ask twice for the account: a listing asks once."""
        for _ in range(2):
            http.get("/account/")

    def trial_targets(self, parts: Mapping[str, Part]) -> Iterable[str]:
        """Return the ids of all versions in the portal: a marked file is a new one."""
        assets = parts["bynder"].state()["assets"]
        return [version["id"] for asset in assets for version in asset["versions"]]

    def findings(self, parts: Mapping[str, Part]) -> Iterable[Finding]:
        """Compare the marked assets with the portal."""
        return demo.findings(self._library, parts, self._furnished, HASH)

    def scenes(self, parts: Mapping[str, Part]) -> Iterable[Scene]:
        """Return the scenes to play while Damlink serves."""
        return demo.scenes(self._library, parts, self._furnished, HASH)


def _describe(library: Library, item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "path": item.path,
        "metadata": dict(item.metadata),
        "sha256": item.sha256,
        "size": item.size,
        "state": library.state_of(item),
        "error_code": item.problem[0] if item.problem else None,
    }
