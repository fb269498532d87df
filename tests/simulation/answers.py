"""What the models of the other sides answer with, and the reading of what they receive."""

from __future__ import annotations

import json
import re
import urllib.parse
from datetime import UTC, datetime
from typing import Any, Final

import attrs
import httpx

__all__ = ["Answer", "answer_with_file", "iso_date", "read_fields", "read_form"]

_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")


@attrs.frozen
class Answer:
    """Status and body of an answer: JSON, or the bytes of a file."""

    status: int
    body: Any = None
    headers: dict[str, str] = attrs.field(factory=dict)

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def answer_with_file(request: httpx.Request, content: bytes, validator: str) -> Answer:
    """Answer with a file, or with the part of it that was asked for."""
    headers = {"ETag": f'"{validator}"', "Accept-Ranges": "bytes"}
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    if found is None:
        return Answer(200, content, headers)
    first, last = int(found[1]), min(int(found[2] or len(content)), len(content) - 1)
    if first >= len(content):
        return Answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return Answer(206, content[first : last + 1], headers)


def iso_date(seconds: float) -> str:
    """Return a moment as portals and partners write it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_fields(request: httpx.Request, body: bytes) -> dict[str, str]:
    """Return the fields of the query and of the form."""
    form = dict(urllib.parse.parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    return {**dict(request.url.params), **form}


def read_form(body: bytes) -> dict[str, bytes]:
    """Return the fields of a form with files."""
    boundary, _, _ = body.partition(b"\r\n")
    fields = {}
    for part in body.split(boundary)[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = head.split(b'name="', 1)[1].split(b'"', 1)[0].decode()
        fields[name] = value[:-2]
    return fields
