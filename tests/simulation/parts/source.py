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
    """The plugin of the simulation: new assets, and versions of changed ones.

    The partner lists either all assets each time, or each change once: what is lost of it is lost for ever.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.names = stage.dice.choice((("a",), ("a", "b")))
        self._has_marks = stage.dice.random() < 0.85
        self._has_changes = stage.dice.random() < 0.5
        self.versions = {f"asset-{number}": 1 for number in range(1, ASSETS + 1)}
        self._changes = list(self.versions.items())

    def connector(self, name: str, workers: int) -> str:
        """Return the table of a connector."""
        marks, changes = str(self._has_marks).lower(), str(self._has_changes).lower()
        return (
            f'[connectors.{name}]\nplugin = "simulation"\nportal = "brand"\nworkers = {workers}\n'
            f'api_url = "https://partner.example"\nadopt_existing = false\n'
            f"marks = {marks}\nchanges = {changes}\n"
        )

    def change_source(self) -> None:
        """Change an asset at its source."""
        name = self.stage.dice.choice(sorted(self.versions))
        self.versions[name] += 1
        self._changes.append((name, self.versions[name]))

    def answer(self, request: httpx.Request, body: bytes) -> Answer:
        """Answer a list or a file."""
        path = request.url.path.strip("/").split("/")
        if path[0] in ("list", "changes"):
            start = int(request.url.params.get("after", "0"))
            listed = self._changes if path[0] == "changes" else list(self.versions.items())
            found = listed[start : start + 2]
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
