"""Bynder and a partner as plain Python: what a request does at once, and what its answer says.

Facts: reference pages of Bynder's API for uploads, saves and lists. Every effect is atomic; when the answer
arrives, and whether it does, is the network's business.
"""

from __future__ import annotations

import itertools
import random
import re
import urllib.parse
from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, Final

import attrs
import httpx

__all__ = ["Answer", "Asset", "Portal", "Source", "content_of", "title_of"]

BRAND: Final = "0B5B7B5D-CAC6-4C5D-9D5C-9D5D5D5D5D5D"
_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")
PROFILE: Final = "686B6F43-D5D1-793D-5B3096C4406297D1"
ROLES: Final = ["MEDIAUPLOAD", "MEDIAUPLOADFORAPPROVAL", "MEDIAREMOVE", "STATISTICS"]


@attrs.frozen
class Answer:
    """Status and JSON body of an answer."""

    status: int
    body: Any = None
    headers: dict[str, str] = attrs.field(factory=dict)


@attrs.define
class Asset:
    """An asset of the portal with its versions.

    Attributes:
        contents: content of each version, the newest last.
        shown_at: when lists show it.
    """

    id: str
    name: str
    tags: list[str]
    contents: list[bytes]
    created: float
    shown_at: float
    dates: list[float] = attrs.field(factory=list)
    is_deleted: bool = False


@attrs.define
class Portal:
    """A portal with S3 behind it.

    Args:
        clock: the virtual clock.
        lag: returns the seconds until lists show a new asset.
        limit: requests allowed in a window.
        on_save: called with the asset after each save.
    """

    clock: Callable[[], float]
    lag: Callable[[], float]
    limit: int
    seconds: float
    on_save: Callable[[Asset], None]
    assets: dict[str, Asset] = attrs.field(factory=dict)
    counts: Counter[str] = attrs.field(factory=Counter)
    counted: list[float] = attrs.field(factory=list)
    blocked_until: float = 0.0
    second_save_makes_another: bool = False
    _numbers: Any = attrs.field(factory=lambda: itertools.count(1))
    _opened: dict[str, dict[int, bytes]] = attrs.field(factory=dict)
    _sent: dict[str, bytes] = attrs.field(factory=dict)
    _imports: dict[str, tuple[bytes, float]] = attrs.field(factory=dict)

    def answer(self, request: httpx.Request, body: bytes) -> Answer:
        """Do what a request asks for."""
        path = request.url.path.strip("/").split("/")
        if path[0] == "s3":
            return self._store(body)
        now = self.clock()
        self.counted.append(now)
        self.counted = [each for each in self.counted if each > now - self.seconds]
        if now < self.blocked_until or len(self.counted) > self.limit:
            self.blocked_until = now + self.seconds
            self.counts["429"] += 1
            return Answer(429, {"message": "Too many requests"})
        rest = path[2:] if path[:2] == ["api", "v4"] else path[1:]
        form = dict(urllib.parse.parse_qsl(body.decode(errors="replace")))
        query = dict(request.url.params)
        for head, handler in self._routes().items():
            if rest[: len(head)] == list(head):
                return handler(request.method, rest[len(head) :], {**query, **form})
        return Answer(404, {"message": "Not found"})

    def _routes(self) -> dict[tuple[str, ...], Callable[[str, list[str], dict[str, str]], Answer]]:
        return {
            ("upload", "endpoint"): lambda *_: Answer(200, "https://s3.example/s3/"),
            ("upload", "init"): self._init,
            ("upload", "poll"): self._poll,
            ("upload",): self._upload,
            ("media", "save"): self._save_new,
            ("media",): self._media,
            ("brands",): lambda *_: Answer(200, [{"id": BRAND, "name": "Main", "subBrands": []}]),
            ("currentUser",): lambda *_: Answer(200, {"id": "1", "username": "u", "profileId": PROFILE}),
            ("profiles",): lambda *_: Answer(200, {"id": PROFILE, "name": "All", "roles": ROLES}),
            ("metaproperties",): lambda *_: Answer(200, {}),
            ("account",): lambda *_: Answer(200, {"name": "Simulated"}),
        }

    # --- people ------------------------------------------------------------------------------------

    def edit(self, dice: random.Random) -> None:
        """Rename an asset and add a tag, as a person does."""
        if self.assets:
            asset = self.assets[dice.choice(sorted(self.assets))]
            asset.name, asset.tags = "renamed", [*asset.tags, "kept"]

    def delete(self, dice: random.Random, finished: Collection[str]) -> None:
        """Delete an asset that has arrived, as a person does."""
        found = [
            each for each in sorted(self.assets) if title_of(self.assets[each].contents[0])[0] in finished
        ]
        if found:
            self.assets[dice.choice(found)].is_deleted = True

    # --- uploads -----------------------------------------------------------------------------------

    def _init(self, _method: str, _rest: list[str], _fields: dict[str, str]) -> Answer:
        number = next(self._numbers)
        self._opened[f"upload-{number}"] = {}
        key = f"pluploads/{number}/file"
        policy = {"acl": "private", "success_action_status": "201", "key": key, "Policy": "p"}
        return Answer(
            200,
            {
                "s3file": {"uploadid": f"upload-{number}", "targetid": f"final/{number}"},
                "s3_filename": key,
                "multipart_params": policy,
            },
        )

    def _store(self, body: bytes) -> Answer:
        fields = _read_form(body)
        key = fields["key"].decode()
        self._sent[key] = fields["file"]
        return Answer(201, "<PostResponse/>")

    def _upload(self, method: str, rest: list[str], fields: dict[str, str]) -> Answer:
        upload_id = rest[0] if rest and rest[0] else fields.get("id", "")
        if upload_id not in self._opened:
            return Answer(404, {"message": "unknown upload"})
        parts = self._opened[upload_id]
        if "chunkNumber" in fields:
            number, key = int(fields["chunkNumber"]), fields["filename"]
            if key not in self._sent:
                return Answer(400, {"message": "the part is not there"})
            parts[number] = self._sent[key]
            return Answer(200, {"success": True})
        count = int(fields["chunks"])
        if sorted(parts) != list(range(1, count + 1)):
            return Answer(400, {"message": "parts are missing"})
        import_id = f"import-{next(self._numbers)}"
        whole = b"".join(parts[number] for number in sorted(parts))
        self._imports[import_id] = (whole, self.clock() + self.lag() / 2)
        del self._opened[upload_id]
        return Answer(202, {"importId": import_id, "success": True})

    def _poll(self, _method: str, _rest: list[str], fields: dict[str, str]) -> Answer:
        asked = fields["items"].split(",")
        now = self.clock()
        done = [each for each in asked if each in self._imports and self._imports[each][1] <= now]
        return Answer(200, {"itemsDone": done, "itemsFailed": [], "itemsRejected": []})

    # --- saves -------------------------------------------------------------------------------------

    def _save_new(self, _method: str, rest: list[str], fields: dict[str, str]) -> Answer:
        found = self._take(rest[0])
        if found is None:
            return Answer(404, {"message": "unknown import"})
        number, now = next(self._numbers), self.clock()
        tags = [each for each in fields.get("tags", "").split(",") if each]
        identity = f"{number:08X}-0000-0000-0000000000000000"
        asset = Asset(identity, fields.get("name", ""), tags, [found[0]], now, now + self.lag(), [now])
        self.assets[identity] = asset
        self.counts["saved"] += 1
        self.on_save(asset)
        return Answer(201, {"success": True, "mediaid": identity, "batchId": "B", "mediaitems": []})

    def _take(self, import_id: str) -> tuple[bytes, float] | None:
        """Return an import; what a second save of it does is unknown, so both ways occur."""
        if self.second_save_makes_another:
            return self._imports.get(import_id)
        return self._imports.pop(import_id, None)

    def _save_version(self, asset: Asset, import_id: str) -> Answer:
        found = self._take(import_id)
        if found is None:
            return Answer(404, {"message": "unknown import"})
        asset.contents.append(found[0])
        asset.dates.append(self.clock())
        self.counts["versions"] += 1
        self.on_save(asset)
        return Answer(201, {"success": True, "mediaid": asset.id, "batchId": "B", "mediaitems": []})

    # --- assets ------------------------------------------------------------------------------------

    def _media(self, method: str, rest: list[str], fields: dict[str, str]) -> Answer:
        rest = [each for each in rest if each]
        if rest:
            asset = self.assets.get(rest[0])
            if asset is None or asset.is_deleted:
                return Answer(404, {"message": "Not found"})
            if rest[1:2] == ["save"]:
                return self._save_version(asset, rest[2])
            if method == "POST":
                asset.tags = [each for each in fields.get("tags", ",".join(asset.tags)).split(",") if each]
                return Answer(202, {"message": "Accepted", "statuscode": 202})
            return Answer(200, self._record(asset, items="versions" in fields))
        now = self.clock()
        shown = [each for each in self.assets.values() if each.shown_at <= now and not each.is_deleted]
        if "tags" in fields:
            shown = [each for each in shown if fields["tags"] in each.tags]
        page, limit = int(fields.get("page", "1")), int(fields.get("limit", "50"))
        return Answer(200, [self._record(each) for each in shown[(page - 1) * limit : page * limit]])

    def _record(self, asset: Asset, *, items: bool = False) -> dict[str, Any]:
        record = {
            "id": asset.id,
            "name": asset.name,
            "type": "image",
            "tags": asset.tags,
            "brandId": BRAND,
            "extension": ["jpg"],
            "fileSize": len(asset.contents[-1]),
            "dateCreated": _date(asset.created),
            "dateModified": _date(asset.dates[-1]),
            "archive": 0,
        }
        if items:
            record["mediaItems"] = [
                {
                    "id": f"{asset.id}-{number}",
                    "type": "original",
                    "version": number,
                    "active": number == len(asset.contents),
                    "size": len(content),
                    "fileName": asset.name,
                    "dateCreated": _date(date),
                }
                for number, (content, date) in enumerate(zip(asset.contents, asset.dates, strict=True), 1)
            ]
        return record


@attrs.define
class Source:
    """The partner: a list of assets, and their files."""

    fingerprints: dict[str, int]

    def answer(self, request: httpx.Request) -> Answer:
        """Answer a list or a file."""
        path = request.url.path.strip("/").split("/")
        if path[0] == "list":
            start = int(request.url.params.get("after", "0"))
            found = list(self.fingerprints.items())[start : start + 2]
            return Answer(200, [{"id": name, "version": version} for name, version in found])
        name, _, version = path[1].partition("-v")
        content, headers = content_of(name, int(version)), {"ETag": f'"{path[1]}"', "Accept-Ranges": "bytes"}
        if found := _RANGE.fullmatch(request.headers.get("range", "")):
            first, last = int(found[1]), min(int(found[2] or len(content)), len(content) - 1)
            if first >= len(content):
                return Answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            return Answer(206, content[first : last + 1], headers)
        return Answer(200, content, headers)


def content_of(name: str, version: int) -> bytes:
    """Return the file of an asset, which tells the auditor what it is."""
    # Some have several parts.
    return f"{name}:{version}:".encode() + b"x" * (version + (60 if name < "asset-3" else 5))


def title_of(content: bytes) -> tuple[str, int]:
    """Return id and version of the asset that a file belongs to."""
    name, version, _ = content.decode().split(":", 2)
    return name, int(version)


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_form(body: bytes) -> dict[str, bytes]:
    boundary, _, _ = body.partition(b"\r\n")
    fields = {}
    for part in body.split(boundary)[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = head.split(b'name="', 1)[1].split(b'"', 1)[0].decode()
        fields[name] = value[:-2]
    return fields
