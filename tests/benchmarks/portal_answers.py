"""Answers of the benchmark portal: uploads by S3 and lists of assets. It keeps sizes, not bytes."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import attrs

TOKEN: Final = "benchmark-token"
BRAND: Final = "0B5B7B5D-CAC6-4C5D-9D5C9D5D5D5D5D5D"
PROFILE: Final = "686B6F43-D5D1-793D-5B3096C4406297D1"
ROLES: Final = ["MEDIAUPLOAD", "MEDIAUPLOADFORAPPROVAL", "MEDIAREMOVE", "STATISTICS"]
MOST_LIMIT: Final = 1000
UPLOAD: Final = "/api/v4/upload"
# Requests that Bynder does not count: S3 is another host, and the benchmark's own.
UNCOUNTED: Final = frozenset({"s3", "counts"})
_PART: Final = re.compile(rb'name="(\w+)"(?:\r\n[^\r\n]+)*\r\n\r\n([^\r\n]*)\r\n')
_FILE: Final = re.compile(rb'name="file"[^\r\n]*(?:\r\n[^\r\n]+)*\r\n\r\n')

Answer = tuple[int, Any]


@attrs.define
class Request:
    """One request; a long body is cut off, and `length` is its true length."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    length: int = 0

    @property
    def form(self) -> dict[str, str]:
        """The fields of a urlencoded body."""
        return dict(urllib.parse.parse_qsl(self.body.decode()))


@attrs.define
class Upload:
    """One upload: the numbers of the registered parts with their sizes."""

    key: str
    parts: dict[int, int] = attrs.field(factory=dict)


class Portal:
    """State of the portal."""

    def __init__(self, assets: int, scheme: str) -> None:
        self.counts: Counter[str] = Counter()
        self.saved: list[int] = []
        self.polled: set[str] = set()
        self._scheme = scheme
        self._uploads: dict[str, Upload] = {}
        self._stored: dict[str, int] = {}
        self._imports: dict[str, int] = {}
        self._pages = _Pages(assets)

    def answer(self, request: Request) -> Answer:
        """Return the status and the body of an answer."""
        kind = _kind(request.path)
        self.counts[kind] += 1
        if kind not in UNCOUNTED and request.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, b"Invalid or expired token."
        handler = getattr(self, f"_{kind}", None)
        if handler is not None:
            return handler(request)
        return FIXED.get(kind, (404, {"message": "no Route matched with those values"}))

    def _counts(self, _request: Request) -> Answer:
        counted = sum(count for kind, count in self.counts.items() if kind not in UNCOUNTED)
        return 200, {"requests": dict(self.counts), "counted": counted, "saved": self.saved}

    # --- upload by S3 ------------------------------------------------------------------------------

    def _endpoint(self, request: Request) -> Answer:
        return 200, f"{self._scheme}://{request.headers['host']}/s3/"

    def _init(self, request: Request) -> Answer:
        filename = request.form.get("filename", "")
        if "." not in filename:
            return 400, {"filename": f"'{filename}' is not a valid filename"}
        number = len(self._uploads) + 1
        key = f"pluploads/api/{number}/{filename}"
        self._uploads[f"upload-{number}"] = Upload(key)
        policy = {"acl": "private", "success_action_status": "201", "Content-Type": "image/*", "key": key}
        return 200, {
            "s3file": {"uploadid": f"upload-{number}", "targetid": f"final/{number}/{filename}"},
            "s3_filename": key,
            "target_key": key,
            "multipart_params": {**policy, "Policy": "policy", "X-Amz-Signature": "signature"},
        }

    def _s3(self, request: Request) -> Answer:
        start = _FILE.search(request.body)
        if "authorization" in request.headers or start is None:
            return 400, b"<Error><Code>InvalidArgument</Code></Error>"
        boundary = request.body.partition(b"\r\n")[0]
        fields = dict(_PART.findall(request.body[: start.start()]))
        # The form ends with a line break and the boundary, two dashes, and a line break.
        size = request.length - start.end() - len(boundary) - 6
        self._stored[fields[b"key"].decode()] = size
        return 201, b"<PostResponse><Location>l</Location></PostResponse>"

    def _upload(self, request: Request) -> Answer:
        """Register a part or finalise: the fields tell which."""
        form = request.form
        name = request.path.removeprefix(UPLOAD).strip("/") or form.get("id", "")
        upload = self._uploads.get(name)
        if upload is None:
            return 404, {"message": "Upload doesn't exist", "statuscode": "404"}
        if "chunkNumber" in form:
            return self._register(upload, int(form["chunkNumber"]))
        return self._finalise(upload, name, int(form["chunks"]))

    def _register(self, upload: Upload, number: int) -> Answer:
        size = self._stored.get(f"{upload.key}/p{number}")
        if size is None:
            return 500, {"message": "Upload not ready", "retry": 1, "success": False}
        upload.parts[number] = size
        return 202, {"status": "ok"}

    def _finalise(self, upload: Upload, name: str, chunks: int) -> Answer:
        if sorted(upload.parts) != [*range(1, chunks + 1)]:
            return 500, {"message": "Could not complete upload", "retry": 0, "success": False}
        import_id = f"import-{name}"
        self._imports[import_id] = sum(upload.parts.values())
        return 202, {"importId": import_id, "batchId": "B", "output": "final/", "success": 1}

    def _poll(self, request: Request) -> Answer:
        items = request.query.get("items", "").split(",")
        done = [item for item in items if item in self._imports]
        self.polled.update(done)
        return 200, {"itemsDone": done, "itemsFailed": [], "itemsRejected": []}

    def _save(self, request: Request) -> Answer:
        import_id = request.path.partition("/save")[2].strip("/") or request.form.get("importId", "")
        if import_id not in self._imports:
            return 404, {"message": "Import ID not found", "statuscode": "404"}
        if import_id not in self.polled:
            return 303, {"message": "Import not converted yet, please poll", "statuscode": "303"}
        self.saved.append(self._imports[import_id])
        media_id = f"{len(self.saved):08X}-0000-0000-0000000000000000"
        return 201, {"mediaid": media_id, "batchId": "B", "success": True, "mediaitems": []}

    # --- assets ------------------------------------------------------------------------------------

    def _media(self, request: Request) -> Answer:
        if request.path.strip("/") != "api/v4/media":
            return 404, {"message": "File not found", "statuscode": "404"}
        query = request.query
        page, limit = int(query.get("page", "1")), int(query.get("limit", "50"))
        return 200, self._pages.page(page, limit)


FIXED: Final[dict[str, Answer]] = {
    "brands": (200, [{"id": BRAND, "name": "Main", "description": "", "subBrands": []}]),
    "currentUser": (200, {"id": "1", "username": "u", "profileId": PROFILE}),
    "profiles": (200, {"id": PROFILE, "name": "All", "roles": ROLES}),
    "metaproperties": (200, {}),
    "account": (200, {"name": "Benchmark"}),
}
_KINDS: Final[Mapping[str, str]] = {
    "/api/upload/endpoint": "endpoint",
    "/api/upload/init": "init",
    f"{UPLOAD}/poll": "poll",
}


def _kind(path: str) -> str:
    """Return the name of the method that answers a path."""
    path = path.rstrip("/")
    if found := _KINDS.get(path):
        return found
    parts = path.split("/")[1:]
    if parts[0] in UNCOUNTED:
        return parts[0]
    if parts[:2] != ["api", "v4"] or len(parts) < 3:
        return "unknown"
    return "save" if parts[2] == "media" and "save" in parts else parts[2]


class _Pages:
    """Pages of assets; those of the longest limit are made beforehand, so that no client waits for them."""

    def __init__(self, count: int) -> None:
        self._count = count
        pages = range(1, -(-count // MOST_LIMIT) + 1)
        self._made = {number: self._make(number, MOST_LIMIT) for number in pages}

    def page(self, number: int, limit: int) -> bytes:
        """Return one page as JSON."""
        made = self._made.get(number) if limit == MOST_LIMIT else None
        return made or self._make(number, limit)

    def _make(self, number: int, limit: int) -> bytes:
        first = (number - 1) * limit
        records = [_asset(index) for index in range(first, min(first + limit, self._count))]
        return json.dumps(records).encode()


def _asset(number: int) -> dict[str, Any]:
    return {
        "id": f"{number:08X}-D5D1-793D-5B3096C4406297D1",
        "idHash": f"{number:016x}",
        "name": f"Asset {number}",
        "description": "A picture of the sea in the morning",
        "copyright": "Someone",
        "type": "image",
        "extension": ["jpg"],
        "fileSize": 200_000 + number,
        "width": 6000,
        "height": 4000,
        "orientation": "landscape",
        "brandId": BRAND,
        "userCreated": "Jane Doe",
        "dateCreated": "2024-05-06T07:08:09Z",
        "dateModified": "2024-05-06T07:08:09Z",
        "datePublished": "2024-05-06T07:08:09Z",
        "archive": 0,
        "limited": 0,
        "isPublic": 1,
        "watermarked": 0,
        "tags": ["sea", "summer", f"number-{number}"],
        "propertyOptions": [f"{number:08X}-9C85-4DA3-9B42C3D4E5F60718"],
        "property_Colour": ["blue"],
        "thumbnails": {"mini": "https://d.example/mini.png", "thul": "https://d.example/thul.png"},
        "transformBaseUrl": f"https://d.example/transform/{number}/beach",
    }


def encode(body: Any) -> bytes:
    """Return a body as bytes."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()
