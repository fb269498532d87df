"""Imatag: assets of the portal are sent there, marked, and come back in one of three ways.

Shapes: reference pages of Imatag, where paths and fields are assumed. Each upload makes another mark.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Collection
from typing import Any, Final

import attrs
import httpx
from simulation.answers import Answer, answer_with_file, read_form
from simulation.files import MARKED, mark, picture_of, title_of
from simulation.library import Asset
from simulation.parts.part import Part, Stage
from simulation.tasks import SimulationError

__all__ = ["ImatagPart"]

ASSETS: Final = 6
TAG: Final = "protect"
WAYS: Final = ("new-version", "new-asset", "additional")
# A search shows an upload within 5 s (assumed): it acts so late, and is shown so late after that.
LATE: Final = 2.0
LAGS: Final = (0.0, 1.0, 2.9)


@attrs.define
class Media:
    """A file of Imatag's library."""

    id: str
    path: str
    asset_id: str
    content: bytes
    shown_at: float
    ready_at: float
    has_failed: bool

    @property
    def hash(self) -> str:
        """Digest of the uploaded file."""
        return hashlib.sha256(self.content).hexdigest()


class ImatagPart(Part):
    """A portal's assets with a tag, and their marked files.

    Attributes:
        overwritten: ids of assets over whose newest version a marked file of an earlier one was saved.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.names = stage.dice.choice((("a",), ("a",), ("a", "b")))
        self._way = stage.dice.choice(WAYS)
        self._is_delta = stage.dice.random() < 0.7
        self._fails = stage.dice.random() < 0.1
        # What an upload to a path in use does is unknown, so both ways occur.
        self._refuses_paths = stage.dice.random() < 0.5
        self.media: dict[str, Media] = {}
        self.overwritten: set[str] = set()
        self._numbers = itertools.count(1)

    def connector(self, name: str, workers: int) -> str:
        """Return the table of a connector."""
        return (
            f'[connectors.{name}]\nplugin = "imatag"\nportal = "brand"\nworkers = {workers}\n'
            'api_key = { env = "TOKEN" }\ndirectory = "acme/dam"\nhash_metaproperty = "Hash"\n'
            f'filters = {{ tags = "{TAG}" }}\ndeliver_as = "{self._way}"\nrequests_per_second = 50.0\n'
            f'api_url = "https://imatag.example/api"\ndelta = {str(self._is_delta).lower()}\n'
        )

    # --- people ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Add assets with the tag."""
        for number in range(1, ASSETS + 1):
            asset = self.stage.portal.add(f"asset-{number}", [TAG], picture_of(f"asset-{number}", 1))
            self.stage.portal.library.touch(asset, "asset_bank.media.create")

    def change(self, kind: str) -> None:
        """Upload a new version, or what else happens."""
        super().change("changed" if kind == "versioned" else kind)

    def change_source(self) -> None:
        """Upload a new version of an original, as a person does."""
        library = self.stage.portal.library
        if found := [each for each in self._originals() if not each.is_deleted]:
            asset = self.stage.dice.choice(found)
            name, version = title_of(asset.contents[0])[0], _newest(asset) + 1
            library.add_version(asset, picture_of(name, version))
            library.touch(asset, "asset_bank.media.updated")

    def deletable(self) -> Collection[str]:
        """Return the names of all assets, and of their marked copies."""
        assets = self.stage.portal.library.assets.values()
        return [title_of(each.contents[0])[0] for each in assets]

    def _originals(self) -> list[Asset]:
        assets = self.stage.portal.library.assets
        return [
            each for _, each in sorted(assets.items()) if not title_of(each.contents[0])[0].endswith(MARKED)
        ]

    # --- the other side ----------------------------------------------------------------------------

    def is_once(self, request: httpx.Request) -> bool:
        """Return whether a request must never be repeated blindly: an upload makes another mark."""
        is_upload = request.method == "POST" and request.url.host == "imatag.example"
        return is_upload or super().is_once(request)

    def is_file(self, request: httpx.Request) -> bool:
        """Return whether a request reads a file."""
        return request.url.path.endswith("/watermarked/") or super().is_file(request)

    def late_seconds(self, request: httpx.Request) -> float:
        """Return how late a request may act."""
        return LATE if request.url.host == "imatag.example" else super().late_seconds(request)

    def answer(self, request: httpx.Request, body: bytes) -> Answer:
        """Do what a request asks for."""
        path = [each for each in request.url.path.split("/") if each][1:]
        if path == ["account"]:
            return Answer(200, {"username": "acme", "homedirs": ["acme"]})
        if len(path) == 1:
            return self._upload(body) if request.method == "POST" else self._find(request)
        media = self.media.get(path[1])
        if media is None:
            return Answer(404, {"detail": "Not found."})
        return self._send_marked(request, media) if path[2:] else Answer(200, self._record(media))

    def _find(self, request: httpx.Request) -> Answer:
        wanted, now = request.url.params["metadata.bynder_media_id"], self.stage.scheduler.now
        found = [each for each in self.media.values() if each.asset_id == wanted and each.shown_at <= now]
        records = [self._record(each) for each in found]
        return Answer(200, {"count": len(found), "next": None, "previous": None, "media": records})

    def _upload(self, body: bytes) -> Answer:
        fields = read_form(body)
        path, content = fields["path"].decode(), fields["file"]
        if self._refuses_paths and any(each.path == path for each in self.media.values()):
            return Answer(409, {"detail": "The path is taken."})
        asset_id = json.loads(fields["metadata"])["bynder_media_id"]
        now, dice, number = self.stage.scheduler.now, self.stage.dice, next(self._numbers)
        media = Media(
            f"m-{number}",
            path,
            asset_id,
            content,
            now + dice.choice(LAGS),
            now + dice.choice((1.0, 20.0, 200.0)),
            self._fails and dice.random() < 0.3,
        )
        self.media[media.id] = media
        self._check_marks(media)
        return Answer(201, self._record(media))

    def _check_marks(self, media: Media) -> None:
        name, version = title_of(media.content)
        if name.endswith(MARKED):
            raise SimulationError(f"a marked file was marked again: {name} version {version}")
        good = [each for each in self.media.values() if not each.has_failed]
        counts = Counter((each.asset_id, each.hash) for each in good)
        if counts[media.asset_id, media.hash] > 1:
            raise SimulationError(f"{name} version {version} was marked twice")

    def _record(self, media: Media) -> dict[str, Any]:
        is_done = media.ready_at <= self.stage.scheduler.now
        state = ("failed" if media.has_failed else "ready") if is_done else "processing"
        metadata = {"bynder_media_id": media.asset_id}
        return {
            "id": media.id,
            "path": media.path,
            "state": state,
            "sha256": media.hash,
            "metadata": metadata,
        }

    def _send_marked(self, request: httpx.Request, media: Media) -> Answer:
        if media.ready_at > self.stage.scheduler.now or media.has_failed:
            return Answer(409, {"detail": "not ready"})
        content = mark(media.content, int(media.id[2:]))
        return answer_with_file(request, content, media.id)

    # --- the truth ---------------------------------------------------------------------------------

    def on_save(self, asset: Asset, content: bytes) -> None:
        """Note a marked file that is saved over a version that it was not made from."""
        _, version = title_of(content)
        if self._way == "new-version" and version != _newest(asset):
            self.overwritten.add(asset.id)

    def wanted(self) -> dict[str, int]:
        """Return the newest version that people have uploaded of each asset."""
        failed = {each.asset_id for each in self.media.values() if each.has_failed}
        return {each.id: _newest(each) for each in self._originals() if each.id not in failed}

    def arrived(self) -> Collection[tuple[str, int]]:
        """Return the versions whose marked file is in the portal."""
        ids = {title_of(each.contents[0])[0]: each.id for each in self._originals()}
        assets = self.stage.portal.library.assets.values()
        titles = [title_of(content) for each in assets for content in (*each.contents, *each.added)]
        return {
            (ids[name.removesuffix(MARKED)], version) for name, version in titles if name.endswith(MARKED)
        }

    def excused(self) -> Collection[str]:
        """Return the ids of assets that a person has deleted, archived, or overtaken."""
        found = [each.id for each in self._originals() if each.was_deleted or each.was_archived]
        names = {
            title_of(each.contents[0])[0]
            for each in self.stage.portal.library.assets.values()
            if each.was_deleted
        }
        copied = [each.id for each in self._originals() if title_of(each.contents[0])[0] + MARKED in names]
        failed = [each.asset_id for each in self.media.values() if each.has_failed]
        return {*found, *copied, *failed, *self.overwritten}


def _newest(asset: Asset) -> int:
    """Return the newest version of an original that people have uploaded."""
    titles = [title_of(content) for content in asset.contents]
    return max(version for name, version in titles if not name.endswith(MARKED))
