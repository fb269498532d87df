"""Gelato: tagged assets of the portal are imported once for each version, and a link comes back.

Shapes: the contract that the reference pages propose. The same Idempotency-Key has the same answer.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection
from typing import Any, Final

import attrs
import httpx
from simulation.answers import Answer, read_form
from simulation.files import content_of, title_of
from simulation.library import FILES, Asset
from simulation.parts.part import Part, Stage
from simulation.tasks import Process, SimulationError

__all__ = ["GelatoPart"]

ASSETS: Final = 6
TAG: Final = "Print"
HOST: Final = "gelato.example"


@attrs.define
class File:
    """A file of Gelato's library."""

    id: str
    asset_id: str
    version: int
    ready_at: float
    link_at: float

    @property
    def link(self) -> str:
        """Address at which it is ordered."""
        return f"https://shop.gelato.com/{self.id}"


class GelatoPart(Part):
    """A portal's tagged assets and Gelato's library.

    Attributes:
        files: what was imported, by idempotency key.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        dice = stage.dice
        self._has_links = dice.random() < 0.7
        self._mode = dice.choice(("pull", "push"))
        self._is_picky = dice.random() < 0.3
        self.files: dict[str, File] = {}
        self._numbers = itertools.count(1)
        self._untagged: set[str] = set()

    def connector(self, name: str, workers: int) -> str:
        """Return the table of a connector."""
        return (
            f'[connectors.{name}]\nplugin = "gelato"\nportal = "brand"\nworkers = {workers}\ntag = "{TAG}"\n'
            f'api_key = {{ env = "TOKEN" }}\naccount_id = "acme"\nmode = "{self._mode}"\n'
            f'import_url = "https://{HOST}/accounts/{{account_id}}/files:import"\n'
            f'status_url = "https://{HOST}/accounts/{{account_id}}/files/{{file_id}}"\n'
            f"requests_per_second = 50.0\nbacklink = {str(self._has_links).lower()}\n"
        )

    # --- people ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Add assets, all but one with the tag."""
        for number in range(1, ASSETS + 2):
            tags = [TAG] if number <= ASSETS else ["print"]
            asset = self.stage.portal.add(f"asset-{number}", tags, content_of(f"asset-{number}", 1))
            self.stage.portal.library.touch(asset, "asset_bank.media.create")

    def change(self, kind: str) -> None:
        """Take a tag off, or what else happens."""
        if kind == "versioned":
            self.change_source()
        elif kind == "tag off":
            asset = self.stage.dice.choice(self._tagged())
            asset.tags = [each for each in asset.tags if each != TAG]
            self._untagged.add(asset.id)
            self.stage.portal.library.touch(asset, "asset_bank.media.meta_updated")
        else:
            super().change(kind)

    def change_source(self) -> None:
        """Upload a new version, as a person does."""
        library = self.stage.portal.library
        asset = self.stage.dice.choice(self._tagged())
        name, version = title_of(asset.contents[-1])
        library.add_version(asset, content_of(name, version + 1))
        library.touch(asset, "asset_bank.media.updated")

    def deletable(self) -> Collection[str]:
        """Return the names of all assets."""
        return [f"asset-{number}" for number in range(1, ASSETS + 1)]

    def _tagged(self) -> list[Asset]:
        assets = sorted(self.stage.portal.library.assets.items())
        return [each for _, each in assets if title_of(each.contents[0])[0] != f"asset-{ASSETS + 1}"]

    # --- the other side ----------------------------------------------------------------------------

    def is_once(self, request: httpx.Request) -> bool:
        """Return whether a request must never be repeated blindly; an import has a key for that."""
        return request.url.path.endswith(":import")

    def answer(self, request: httpx.Request, body: bytes) -> Answer:
        """Do what a request asks for."""
        if request.headers.get("x-api-key") != "t":
            return Answer(401, {"code": "UNAUTHORIZED", "message": "no"})
        if request.method == "POST":
            return self._import(request, body)
        identity = request.url.path.rpartition("/")[2]
        found = [each for each in self.files.values() if each.id == identity]
        return self._show(found[0]) if found else Answer(404, {"code": "NOT_FOUND", "message": "no"})

    def _import(self, request: httpx.Request, body: bytes) -> Answer:
        key = request.headers["idempotency-key"]
        if key in self.files:
            return self._show(self.files[key])
        if request.headers["content-type"].startswith("application/json"):
            order, content = self._fetch(json.loads(body))
        else:
            fields = read_form(body)
            order, content = {"source": json.loads(fields["source"])}, fields["file"]
        if content is None:
            return Answer(422, {"code": "FILE_URL_UNREACHABLE", "message": "cannot fetch it"})
        return self._keep(key, order["source"], content)

    def _fetch(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes | None]:
        url = httpx.URL(order["fileUrl"])
        if url.host != FILES or (self._is_picky and self.stage.dice.random() < 0.3):
            return order, None
        identity, number = url.path.strip("/").split("/")
        return order, self.stage.portal.library.assets[identity].contents[int(number) - 1]

    def _keep(self, key: str, source: dict[str, Any], content: bytes) -> Answer:
        asset = self.stage.portal.library.assets[source["assetId"]]
        version = int(source["itemId"].rpartition("-")[2])
        if content != asset.contents[version - 1]:
            raise SimulationError(f"the file of {source} is {title_of(content)}")
        if (asset.id, version) in self.arrived():
            raise SimulationError(f"{asset.id} version {version} was imported twice")
        if TAG not in asset.tags and asset.id not in self._untagged:
            raise SimulationError(f"{asset.id} has no tag and was imported")
        now, dice = self.stage.scheduler.now, self.stage.dice
        ready = now + dice.choice((0.0, 0.0, 10.0, 300.0))
        link = ready + dice.choice((0.0, 0.0, 20.0))
        self.files[key] = File(f"f-{next(self._numbers)}", asset.id, version, ready, link)
        return self._show(self.files[key])

    def _show(self, file: File) -> Answer:
        now = self.stage.scheduler.now
        if file.ready_at > now:
            return Answer(202, {"fileId": file.id, "status": "processing"})
        link = {"checkoutUrl": file.link} if file.link_at <= now else {}
        return Answer(200, {"fileId": file.id, "status": "available", "folder": "DAM import", **link})

    # --- the truth ---------------------------------------------------------------------------------

    def on_sent(self, process: Process | None, request: httpx.Request, body: bytes) -> None:
        """The key leaves for Gelato alone."""
        if "x-api-key" in request.headers and request.url.host != HOST:
            raise SimulationError(f"{request.url.host} was shown Gelato's key")

    def wanted(self) -> dict[str, int]:
        """Return the active version of each tagged asset."""
        return {each.id: len(each.contents) for each in self._tagged()}

    def arrived(self) -> Collection[tuple[str, int]]:
        """Return what Gelato has."""
        return {(each.asset_id, each.version) for each in self.files.values()}

    def excused(self) -> Collection[str]:
        """Return the ids of assets that a person has deleted or archived, or whose tag was taken off."""
        found = {each.id for each in self._tagged() if each.was_deleted or each.was_archived}
        return found | self._untagged

    def check_end(self) -> None:
        """Each asset holds the link of its newest file."""
        if not self._has_links:
            return
        excused = self.excused()
        for asset in self._tagged():
            links = [
                each.link for each in self.files.values() if (each.asset_id, each.version) == _now(asset)
            ]
            if asset.id not in excused and links and links[0] not in asset.values.values():
                raise SimulationError(f"{asset.id} does not hold its link {links[0]}")


def _now(asset: Asset) -> tuple[str, int]:
    return asset.id, len(asset.contents)
