"""Stand-in for Sorrel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from damlink_sandbox import Call, Key, Part, StandIn, World, route


class SorrelSandbox(StandIn):
    """One account with its slides."""

    name = "sorrel"
    credentials = Key("Sorrel-Key")
    trial_carries = True
    trial_is_paged = False

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.slides: dict[str, dict[str, Any]] = {}

    @route("GET /slides")
    def find(self, call: Call) -> Any:
        """Return the slides with a reference."""
        return [each for each in self.slides.values() if each["reference"] == call.query["reference"]]

    @route("POST /slides")
    def show(self, call: Call) -> Any:
        """Show a slide."""
        slide = {"id": f"s-{len(self.slides) + 1}", **call.fields, "size": call.files["file"].size}
        self.slides[slide["id"]] = slide
        return slide

    @route("DELETE /slides/{id}")
    def take_off(self, call: Call) -> Any:
        """Take a slide off, if it is there."""
        return {"found": bool(self.slides.pop(call.params["id"], None))}

    def trial_setup(self, parts: Mapping[str, Part]) -> None:
        """Put tagged assets into a portal that lists them at once."""
        parts["bynder"].control("lag", {"index": 0})
        for number in range(min(3, len(self.media))):
            parts["bynder"].control("add_asset", {"media": number, "tags": ["Sorrel"]})

    def trial_targets(self, parts: Mapping[str, Part]) -> Iterable[str]:
        """Return the ids of the slides."""
        return list(self.slides)
