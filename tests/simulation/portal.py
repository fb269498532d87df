"""Bynder as plain Python: what a request does at once, and what its answer says.

Facts: reference pages of Bynder's API for uploads, saves, lists and tokens. Every effect is atomic; when the
answer arrives, and whether it does, is the network's business.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import attrs
import httpx
from simulation.answers import Answer, read_fields, read_form
from simulation.library import BRAND, FILES, Asset, Library
from simulation.tokens import TokenServer

__all__ = ["HOST", "Portal"]

HOST: Final = "portal.example"
STORAGE: Final = "s3.example"
PROFILE: Final = "686B6F43-D5D1-793D-5B3096C4406297D1"
ROLES: Final = [
    "MEDIAUPLOAD",
    "MEDIAUPLOADFORAPPROVAL",
    "MEDIAREMOVE",
    "STATISTICS",
    "MEDIAHIGHRES",
    "MEDIAEDIT",
    "METAPROPERTYMANAGEMENT",
]
_TOKEN_PATH: Final = "/v6/authentication/oauth2/token"
_NOT_FOUND: Final = Answer(404, {"message": "Not found"})

_Handler = Callable[[str, list[str], dict[str, str]], Answer]


@attrs.define
class Portal:
    """A portal with S3 behind it.

    Args:
        library: its assets.
        limit: requests allowed in a window.
        on_save: called with the asset and the new file after each save.
        tokens: who gives its access tokens; `None`: it takes a permanent one.
    """

    library: Library
    limit: int
    seconds: float
    on_save: Callable[[Asset, bytes], None]
    tokens: TokenServer | None = None
    counts: Counter[str] = attrs.field(factory=Counter)
    counted: list[float] = attrs.field(factory=list)
    blocked_until: float = 0.0
    second_save_makes_another: bool = False
    _numbers: Any = attrs.field(factory=lambda: itertools.count(1))
    _opened: dict[str, dict[int, bytes]] = attrs.field(factory=dict)
    _sent: dict[str, bytes] = attrs.field(factory=dict)
    _imports: dict[str, tuple[bytes, float]] = attrs.field(factory=dict)
    _routes: dict[tuple[str, ...], _Handler] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self._routes = {
            ("upload", "endpoint"): lambda *_: Answer(200, f"https://{STORAGE}/s3/"),
            ("upload", "init"): self._init,
            ("upload", "poll"): self._poll,
            ("upload",): self._upload,
            ("media", "save"): self._save_new,
            ("media",): self._media,
            ("brands",): lambda *_: Answer(200, [{"id": BRAND, "name": "Main", "subBrands": []}]),
            ("currentUser",): lambda *_: Answer(200, {"id": "1", "username": "u", "profileId": PROFILE}),
            ("profiles",): lambda *_: Answer(200, {"id": PROFILE, "name": "All", "roles": ROLES}),
            ("metaproperties",): self._metaproperties,
            ("account",): lambda *_: Answer(200, {"name": "Simulated"}),
        }

    def answer(self, request: httpx.Request, body: bytes) -> Answer | None:
        """Do what a request asks for; `None` if it is not for this portal."""
        if request.url.host == STORAGE:
            return self._store(body)
        if request.url.host == FILES:
            return self.library.send_file(request)
        return self._count(request, body) if request.url.host == HOST else None

    def _count(self, request: httpx.Request, body: bytes) -> Answer:
        now = self.library.clock()
        self.counted.append(now)
        self.counted = [each for each in self.counted if each > now - self.seconds]
        if now < self.blocked_until or len(self.counted) > self.limit:
            self.blocked_until = now + self.seconds
            self.counts["429"] += 1
            return Answer(429, {"message": "Too many requests"})
        if self.tokens is not None:
            if request.url.path == _TOKEN_PATH:
                return self.tokens.answer(read_fields(request, body))
            if not self.tokens.is_valid(request.headers.get("authorization", "")):
                return Answer(401, {"message": "Unauthorized"})
        return self._route(request, body)

    def _route(self, request: httpx.Request, body: bytes) -> Answer:
        path = request.url.path.strip("/").split("/")
        rest = path[2:] if path[:2] == ["api", "v4"] else path[1:]
        fields = read_fields(request, body)
        for head, handler in self._routes.items():
            if rest[: len(head)] == list(head):
                return handler(request.method, [each for each in rest[len(head) :] if each], fields)
        return _NOT_FOUND

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
        fields = read_form(body)
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
        whole = self._close(upload_id, fields)
        if whole is None:
            return Answer(400, {"message": "parts are missing"})
        import_id = f"import-{next(self._numbers)}"
        self._imports[import_id] = (whole, self.library.clock() + self.library.lag() / 2)
        return Answer(202, {"importId": import_id, "success": True})

    def _close(self, upload_id: str, fields: dict[str, str]) -> bytes | None:
        """Return the whole file of an upload whose parts are all there, and forget the upload."""
        parts = self._opened[upload_id]
        if sorted(parts) != list(range(1, int(fields["chunks"]) + 1)):
            return None
        del self._opened[upload_id]
        return b"".join(parts[number] for number in sorted(parts))

    def _poll(self, _method: str, _rest: list[str], fields: dict[str, str]) -> Answer:
        asked = fields["items"].split(",")
        now = self.library.clock()
        done = [each for each in asked if each in self._imports and self._imports[each][1] <= now]
        return Answer(200, {"itemsDone": done, "itemsFailed": [], "itemsRejected": []})

    # --- saves -------------------------------------------------------------------------------------

    def _save_new(self, _method: str, rest: list[str], fields: dict[str, str]) -> Answer:
        found = self._take(rest[0])
        if found is None:
            return Answer(404, {"message": "unknown import"})
        tags = [each for each in fields.get("tags", "").split(",") if each]
        asset = self.add(fields.get("name", ""), tags, found[0])
        asset.values |= {
            name.partition(".")[2]: value
            for name, value in fields.items()
            if name.startswith("metaproperty.")
        }
        return self._saved(asset, found[0], "saved")

    def add(self, name: str, tags: list[str], content: bytes) -> Asset:
        """Add an asset; lists show it later."""
        return self.library.add(next(self._numbers), name, tags, content)

    def _take(self, import_id: str) -> tuple[bytes, float] | None:
        """Return an import; what a second save of it does is unknown, so both ways occur."""
        if self.second_save_makes_another:
            return self._imports.get(import_id)
        return self._imports.pop(import_id, None)

    def _save_version(self, asset: Asset, import_id: str) -> Answer:
        found = self._take(import_id)
        if found is None:
            return Answer(404, {"message": "unknown import"})
        self.library.add_version(asset, found[0])
        return self._saved(asset, found[0], "versions")

    def _save_additional(self, asset: Asset, upload_id: str, fields: dict[str, str]) -> Answer:
        """Close an upload into an additional file."""
        content = self._close(upload_id, fields) if upload_id in self._opened else None
        if content is None:
            return Answer(404, {"message": "unknown upload"})
        asset.additionals.append((content, self.library.clock()))
        return self._saved(asset, content, "additionals")

    def _saved(self, asset: Asset, content: bytes, kind: str) -> Answer:
        self.counts[kind] += 1
        self.on_save(asset, content)
        self.library.touch(
            asset, "asset_bank.media.create" if kind == "saved" else "asset_bank.media.updated"
        )
        return Answer(201, {"success": True, "mediaid": asset.id, "batchId": "B", "mediaitems": []})

    # --- assets ------------------------------------------------------------------------------------

    def _media(self, method: str, rest: list[str], fields: dict[str, str]) -> Answer:
        if not rest:
            return self.library.list(fields)
        asset = self.library.find(rest[0])
        if asset is None:
            return _NOT_FOUND
        if rest[1:3] == ["save", "additional"]:
            return self._save_additional(asset, rest[3], fields)
        if rest[1:2] == ["save"]:
            return self._save_version(asset, rest[2])
        if rest[1:2] == ["download"]:
            return self.library.link(asset, rest[1:])
        if method == "POST":
            return self.library.modify(asset, fields)
        return Answer(200, self.library.record(asset, items="versions" in fields))

    def _metaproperties(self, method: str, _rest: list[str], fields: dict[str, str]) -> Answer:
        if method == "POST":
            return self.library.create_metaproperty(next(self._numbers), fields)
        return self.library.list_metaproperties()
