"""The storage origin: takes upload parts by POST policy, streaming to disk, and serves temporary links."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote
from xml.sax.saxutils import escape

from damlink_sandbox.bynder.portal import Link, Portal
from damlink_sandbox.bynder.state import Part, Upload
from damlink_sandbox.multipart import FormStream
from damlink_sandbox.router import Answer, Message, Receive, Refusal, Send

_OWN_FIELDS = frozenset({"key", "Filename", "name", "chunk", "chunks"})
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class S3:
    """The ASGI application of the storage origin.

    Source: api.bynder.com, "Asset upload", "Asset download"; the official SDKs.
    """

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body = _Body(receive)
        try:
            if "authorization" in headers:
                raise _refusal(400, "InvalidArgument", "Only one auth mechanism allowed")
            if scope["method"] == "POST" and scope["path"] == "/":
                answer = await self._take(headers, body)
            elif scope["method"] == "GET" and scope["path"].startswith("/download/"):
                answer = self._give(scope["path"].removeprefix("/download/"), headers)
            else:
                raise _refusal(403, "AccessDenied", "Access Denied")
        except Refusal as refusal:
            answer = refusal.answer
        await body.drain()
        await answer.deliver(send)

    async def _take(self, headers: dict[str, str], body: _Body) -> Answer:
        if "content-length" not in headers:
            raise _refusal(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
        incoming = _Incoming(self._portal)
        try:
            form = FormStream(headers.get("content-type", ""), incoming)
            async for piece in body:
                form.feed(piece)
        except ValueError as error:
            raise _refusal(400, "MalformedPOSTRequest", str(error)) from error
        finally:
            incoming.abandon()
        if not form.ended or incoming.part is None:
            raise _refusal(400, "InvalidArgument", "POST requires exactly one file upload per request.")
        return self._keep(incoming)

    def _keep(self, incoming: _Incoming) -> Answer:
        part, upload = incoming.part, incoming.upload
        assert part is not None
        with self._portal.lock:
            # The same key again replaces the part.
            upload.parts[incoming.number] = part
        self._portal.world.counts.add("parts")
        return _answer_created(self._portal, incoming.key, incoming.digest.hexdigest())

    def _give(self, name: str, headers: dict[str, str]) -> Answer:
        with self._portal.lock:
            link = self._portal.links.get(name)
            if link is None or link.expires <= self._portal.world.clock.seconds():
                raise _refusal(403, "AccessDenied", "Request has expired")
        return _serve(link, headers)


class _Body:
    """A request's body, piece by piece; what is left of it can be drained."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._more = receive, True

    async def __aiter__(self):  # type: ignore[no-untyped-def]  # an async generator of bytes
        while self._more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError
            self._more = message.get("more_body", False)
            yield message.get("body", b"")

    async def drain(self) -> None:
        """Read the rest and forget it."""
        async for _ in self:
            pass


class _Incoming:
    """The file of one POST: checked when it begins, written as it comes, a `part` once it is whole."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._file: BinaryIO | None = None
        self._path = Path()
        self.digest = hashlib.md5(usedforsecurity=False)
        self.part: Part | None = None

    def open(self, fields: dict[str, str]) -> None:
        with self._portal.lock:
            self.key = fields.get("key", "")
            self.upload, self.number = _check(self._portal, fields)
            self._path = self._portal.new_file()
        self._file = self._path.open("wb", buffering=0)
        self._size = 0

    def write(self, data: bytes) -> None:
        assert self._file is not None
        self._size += len(data)
        if self._size > self._portal.settings.largest_part:
            raise _refusal(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        self._file.write(data)
        self.digest.update(data)

    def close(self) -> None:
        assert self._file is not None
        self._file.close()
        self.part = Part(self._path, self._size, self._portal.world.clock.seconds())

    def abandon(self) -> None:
        """Remove what was written of a file that did not come whole."""
        if self._file is not None and self.part is None:
            self._file.close()
            self._path.unlink()


def _check(portal: Portal, fields: dict[str, str]) -> tuple[Upload, int]:
    if "key" not in fields:
        raise _refusal(400, "InvalidArgument", "Bucket POST must contain a field named 'key'.")
    base, _, suffix = fields["key"].rpartition("/p")
    upload = portal.uploads_by_key.get(base)
    if upload is None or not suffix.isdecimal() or suffix.startswith("0"):
        raise _policy('["eq", "$key"]')
    for name, value in upload.params.items():
        if name != "key" and fields.get(name) != value:
            raise _policy(f'["eq", "${name}"]')
    for name, value in {"Filename": fields["key"], "chunk": suffix}.items():
        if fields.get(name) != value:
            raise _policy(f'["eq", "${name}"]')
    if missing := _OWN_FIELDS - fields.keys():
        raise _policy(f'["starts-with", "${min(missing)}"]')
    if extra := fields.keys() - _OWN_FIELDS - upload.params.keys():
        raise _refusal(403, "AccessDenied", f"Invalid according to Policy: Extra input fields: {min(extra)}")
    if upload.expires <= portal.world.clock.seconds():
        raise _refusal(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    return upload, int(suffix)


def _policy(condition: str) -> Refusal:
    return _refusal(403, "AccessDenied", f"Invalid according to Policy: Policy Condition failed: {condition}")


def _refusal(status: int, code: str, message: str) -> Refusal:
    return Refusal(_xml(status, "Error", Code=code, Message=message))


def _answer_created(portal: Portal, key: str, digest: str) -> Answer:
    location = f"{portal.world.origins['s3']}/{quote(key, safe='')}"
    return _xml(201, "PostResponse", Location=location, Bucket="sandbox", Key=key, ETag=f'"{digest}"')


def _xml(status: int, root: str, **elements: str) -> Answer:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in elements.items())
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{inner}</{root}>'
    return Answer(status, text.encode(), "application/xml")


def _serve(link: Link, headers: dict[str, str]) -> Answer:
    size, etag = link.content.size, f'"{link.content.sha256()[:32]}"'
    media_type = mimetypes.guess_type(link.file_name)[0] or "application/octet-stream"
    common = {
        "accept-ranges": "bytes",
        "etag": etag,
        "content-disposition": f"attachment; filename*=UTF-8''{quote(link.file_name)}",
    }
    span = _span(headers.get("range", ""), size) if headers.get("if-range", etag) == etag else None
    if span is None:
        return Answer(200, b"", media_type, common, link.content.read(), size)
    first, last = span
    if first > last:
        head = {"content-range": f"bytes */{size}"}
        return Answer(416, b"", "application/xml", head)
    common["content-range"] = f"bytes {first}-{last}/{size}"
    count = last - first + 1
    stream = _first(link.content.read(first), count)
    return Answer(206, b"", media_type, common, stream, count)


def _span(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte asked for; first behind last where there is nothing to give."""
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last or size), size - 1)


def _first(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[:count]
        count -= len(piece)
        if count <= 0:
            return
