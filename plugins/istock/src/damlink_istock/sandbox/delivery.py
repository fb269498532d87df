"""The file host: opaque addresses, one redirect (assumed), then the bytes.

Source: the Getty Images API v3 definition.
"""

from __future__ import annotations

from hashlib import sha256

from starlette.responses import PlainTextResponse, RedirectResponse, Response

from damlink_istock.sandbox.vendor import Delivery, Vendor
from damlink_istock.sandbox.wire import Call
from damlink_sandbox import Refusal, send_file


def redirect(vendor: Vendor, call: Call) -> Response:
    """Redirect from the public address to another one."""
    _delivery(vendor, call)
    return RedirectResponse(f"/file/{call.path['name']}", 302)


def file(vendor: Vendor, call: Call) -> Response:
    """Return the bytes: all, or a range where the host has ranges."""
    delivery, switches = _delivery(vendor, call), vendor.switches
    return send_file(
        call.method,
        call.headers,
        delivery.media,
        filename=delivery.filename,
        etag=sha256((delivery.filename + str(delivery.media.size)).encode()).hexdigest()[:32],
        has_etag=switches.etag,
        has_ranges=switches.ranges,
    )


def _delivery(vendor: Vendor, call: Call) -> Delivery:
    if "api-key" in call.headers or "authorization" in call.headers:
        # Assumed: the opaque address is enough, and other credentials are refused.
        raise Refusal(PlainTextResponse("credentials do not belong here", 400))
    delivery = vendor.deliveries.get(call.path["name"])
    if delivery is None or delivery.expires_at <= vendor.world.clock.seconds():
        raise Refusal(PlainTextResponse("Forbidden", 403))
    return delivery
