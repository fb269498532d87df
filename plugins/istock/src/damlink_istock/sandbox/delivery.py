"""The file host: opaque addresses, one redirect (assumed), then the bytes.

Source: the Getty Images API v3 definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse

from damlink_istock.sandbox.vendor import Delivery, Vendor
from damlink_istock.sandbox.wire import Call
from damlink_sandbox import Refusal

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def redirect(vendor: Vendor, call: Call) -> Response:
    """Redirect from the public address to another one."""
    _delivery(vendor, call)
    return RedirectResponse(f"/file/{call.path['name']}", 302)


def file(vendor: Vendor, call: Call) -> Response:
    """Return the bytes: all, or a range where the host has ranges."""
    delivery, switches = _delivery(vendor, call), vendor.switches
    etag = f'"{sha256((delivery.filename + str(delivery.media.size)).encode()).hexdigest()[:32]}"'
    headers = {"Content-Disposition": f"attachment; filename={delivery.filename}"}
    headers |= {"ETag": etag} if switches.etag else {}
    headers |= {"Accept-Ranges": "bytes"} if switches.ranges else {}
    asked = call.headers.get("range", "") if switches.ranges else ""
    if "if-range" in call.headers and not (switches.etag and call.headers["if-range"] == etag):
        asked = ""
    return _answer(call, delivery, headers, asked)


def _delivery(vendor: Vendor, call: Call) -> Delivery:
    if "api-key" in call.headers or "authorization" in call.headers:
        # Assumed: the opaque address is enough, and other credentials are refused.
        raise Refusal(PlainTextResponse("credentials do not belong here", 400))
    delivery = vendor.deliveries.get(call.path["name"])
    if delivery is None or delivery.expires_at <= vendor.world.clock.seconds():
        raise Refusal(PlainTextResponse("Forbidden", 403))
    return delivery


def _answer(call: Call, delivery: Delivery, headers: dict[str, str], asked: str) -> Response:
    size, (status, start, end) = delivery.media.size, _part(asked, delivery.media.size)
    headers |= {"Content-Length": str(end - start)}
    if status == 206:
        headers |= {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
    if status == 416:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
    if call.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=delivery.media.media_type)
    pieces = _up_to(delivery.media.read(start), end - start)
    return StreamingResponse(pieces, status, headers, delivery.media.media_type)


def _part(asked: str, size: int) -> tuple[int, int, int]:
    """Return status, first byte and the one after the last. Several ranges at once: the whole file."""
    match = _RANGE.fullmatch(asked)
    if not match or match.groups() == ("", ""):
        return 200, 0, size
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    return (206, start, end) if start < end else (416, 0, 0)


def _up_to(pieces: Iterator[bytes], length: int) -> Iterator[bytes]:
    for piece in pieces:
        if length <= 0:
            return
        yield piece[:length]
        length -= len(piece)
