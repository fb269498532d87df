"""Juniper's part of the sandbox: a library that keeps what it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from damlink_sandbox import Call, Key, Part, StandIn, World, refuse, route

TAG = "Juniper"


class JuniperSandbox(StandIn):
    """The stand-in for Juniper: one account, and the files that were sent to it."""

    name = "juniper"
    credentials = Key("Juniper-Key")
    # For the tests: files are looked up while assets are carried, and a page of the list is the portal's.
    trial_carries = True
    trial_is_paged = False
    # The request that must not happen twice; one for a token may.
    trial_acts = "^POST /v1/uploads/.*/complete"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.files: list[dict[str, Any]] = []
        self.uploads: list[dict[str, Any]] = []
        self.made = 0

    def settings(self) -> Mapping[str, Any]:
        """Return further settings of the connector."""
        return {"tag": TAG, "requests_per_second": 100.0}

    def state(self) -> Any:
        """Return the files."""
        return {"files": self.files}

    @route("GET /v1/items")
    def find(self, call: Call) -> Any:
        """Return the files with a reference that the list shows by now."""
        now = self.world.clock.seconds()
        shown = [file for file in self.files if file["shown"] <= now]
        return {"items": [file for file in shown if file["reference"] == call.query.get("reference")]}

    @route("POST /v1/uploads")
    def begin(self, call: Call) -> Any:
        """Begin an upload."""
        if not call.fields.get("reference"):
            raise refuse(400, "the reference is missing")
        self.uploads.append({**call.fields, "parts": {}})
        return {"id": len(self.uploads) - 1}

    @route("PUT /v1/uploads/{id}/parts/{number}")
    def part(self, call: Call) -> Any:
        """Take a part, of which the size is kept."""
        self.uploads[int(call.params["id"])]["parts"][call.params["number"]] = len(call.body)
        return {}

    @route("POST /v1/uploads/{id}/complete")
    def complete(self, call: Call) -> Any:
        """Make a file of the parts; its list is late."""
        upload = dict(self.uploads[int(call.params["id"])])
        self.made += 1
        facts = {"size": sum(upload.pop("parts").values()), "shown": self.world.clock.seconds() + 3}
        self.files.append({"id": f"f-{self.made}", **upload, **facts})
        return {"item": self.files[-1]}

    @route("PUT /v1/items/{id}/title")
    def rename(self, call: Call) -> Any:
        """Change the title of a file."""
        for file in self.files:
            if file["id"] == call.params["id"]:
                file["title"] = call.fields["title"]
                return file
        raise refuse(404, "there is no such file")

    @route("DELETE /v1/items/{id}")
    def delete(self, call: Call) -> Any:
        """Delete a file."""
        kept = [file for file in self.files if file["id"] != call.params["id"]]
        if len(kept) == len(self.files):
            raise refuse(404, "there is no such file")
        self.files = kept
        return {}

    def furnish(self, parts: Mapping[str, Part]) -> None:
        """Put a few tagged assets into the portal, listed at once."""
        portal = parts["bynder"]
        lag = portal.control("settings", {})["index_lag"]
        portal.control("lag", {"index": 0})
        for number in range(min(3, len(self.media))):
            portal.control("add_asset", {"media": number, "tags": [TAG]})
        portal.control("lag", {"index": lag})

    def trial_targets(self, parts: Mapping[str, Part]) -> Iterable[str]:
        """Return the ids of the files."""
        return [file["id"] for file in self.files]
