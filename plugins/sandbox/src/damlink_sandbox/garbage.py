"""Answers that another side never meant to send: what a gateway, a proxy or a bug makes of a success."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from damlink_sandbox.router import Answer

__all__ = ["GARBAGE", "bomb", "garble"]

_PAGE: Final = b"<!DOCTYPE html><html><head><title>Gateway</title></head><body>Please wait</body></html>"
_NAMES_A_RESULT: Final = re.compile(r"(id|uri|url)$", re.IGNORECASE)
_BOMB_BYTES: Final = 300 * 1024 * 1024
_BOMB_PIECE: Final = 1024 * 1024


def garble(kind: str, own: Answer) -> Answer:
    """Return what is sent in place of a service's own answer; the status stays.

    Args:
        kind: one of `GARBAGE`.
        own: what the service answered.
    """
    return _KINDS[kind](own)


def bomb() -> bytes:
    """Return a few hundred kilobytes that decompress (`deflate`) to 300 MiB of JSON."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    first = packer.compress(b"[") + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush a block depends on nothing before, so that copies of one can follow each other.
    block = packer.compress(b" " * _BOMB_PIECE) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + block * (_BOMB_BYTES // _BOMB_PIECE) + packer.compress(b"]") + packer.flush()


def _body(body: bytes, media_type: str = "application/json", **headers: str) -> Callable[[Answer], Answer]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda own: Answer(own.status, body, media_type, {**_other_headers(own), **named})


def _other_headers(own: Answer) -> dict[str, str]:
    """Return the headers that say nothing of the body."""
    said = ("content-type", "content-length", "content-encoding")
    return {name: value for name, value in own.headers.items() if name.lower() not in said}


def _half(own: Answer) -> Answer:
    return Answer(own.status, own.body[: len(own.body) // 2], own.media_type, _other_headers(own))


def _other_type(own: Answer) -> Answer:
    return Answer(own.status, own.body, "text/html; charset=utf-8", _other_headers(own))


def _broken_encoding(own: Answer) -> Answer:
    return Answer(own.status, own.body, own.media_type, {**_other_headers(own), "content-encoding": "gzip"})


def _too_short(own: Answer) -> Answer:
    """Announce more bytes than are sent."""
    return Answer(own.status, own.body, own.media_type, _other_headers(own), size=len(own.body) + 100)


def _without_ids(own: Answer) -> Answer:
    try:
        body = _null_ids(json.loads(own.body))
    except ValueError:
        # A body other than JSON has no ids that could be taken out.
        body = {}
    return Answer(own.status, json.dumps(body).encode(), headers=_other_headers(own))


def _null_ids(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: None if _NAMES_A_RESULT.search(name) else _null_ids(inner) for name, inner in value.items()
        }
    return [_null_ids(each) for each in value] if isinstance(value, list) else value


_KINDS: Final[Mapping[str, Callable[[Answer], Answer]]] = {
    "html": _body(_PAGE, "text/html"),
    "empty": _body(b""),
    "object": _body(b"{}"),
    "list": _body(b"[]"),
    "null": _body(b"null"),
    "text": _body(b"OK", "text/plain"),
    "half": _half,
    "success-false": _body(b'{"success":false}'),
    "null-id": _without_ids,
    "other-type": _other_type,
    "not-utf8": _body(b'{"id":"\xff\xfe","mediaid":"\xff","fileId":"\xff","uri":"\xff"}'),
    "broken-encoding": _broken_encoding,
    "too-short": _too_short,
}
GARBAGE: Final = tuple(_KINDS)
