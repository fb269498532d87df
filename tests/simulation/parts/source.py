"""A partner's list into the portal, by one connector or by two that share it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import httpx
from simulation.answers import Answer, answer_with_file
from simulation.files import content_of
from simulation.parts.part import Part, Stage

__all__ = ["SourcePart"]

ASSETS: Final = 6


class SourcePart(Part):
    """The plugin of the simulation: new assets, and versions of changed ones."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.names = stage.dice.choice((("a",), ("a", "b")))
        self._has_marks = stage.dice.random() < 0.85
        self.versions = {f"asset-{number}": 1 for number in range(1, ASSETS + 1)}

    def connector(self, name: str, workers: int) -> str:
        """Return the table of a connector."""
        marks = str(self._has_marks).lower()
        return (
            f'[connectors.{name}]\nplugin = "simulation"\nportal = "brand"\nworkers = {workers}\n'
            f'api_url = "https://partner.example"\nadopt_existing = false\nmarks = {marks}\n'
        )

    def change_source(self) -> None:
        """Change an asset at its source."""
        self.versions[self.stage.dice.choice(sorted(self.versions))] += 1

    def answer(self, request: httpx.Request, body: bytes) -> Answer:
        """Answer a list or a file."""
        path = request.url.path.strip("/").split("/")
        if path[0] == "list":
            start = int(request.url.params.get("after", "0"))
            found = list(self.versions.items())[start : start + 2]
            return Answer(200, [{"id": name, "version": version} for name, version in found])
        name, _, version = path[1].partition("-v")
        return answer_with_file(request, content_of(name, int(version)), path[1])

    def wanted(self) -> dict[str, int]:
        """Return the version of each asset at the source."""
        return self.versions

    def arrived(self) -> Collection[tuple[str, int]]:
        """Return what is in the portal."""
        return self.stage.portal.library.versions()

    def excused(self) -> Collection[str]:
        """Return the ids of assets that a person has deleted at some time: a new version of them may fail."""
        return self.stage.portal.library.deleted()
