"""`POST /v3/downloads/…`: every one is a licence. Source: the Getty Images API v3 definition."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

from starlette.responses import JSONResponse, Response

from damlink_istock.sandbox.access import calling_user
from damlink_istock.sandbox.catalogue import Asset, Size
from damlink_istock.sandbox.history import flag, product_type
from damlink_istock.sandbox.product_types import CREDITS, ISTOCK_TYPES
from damlink_istock.sandbox.vendor import Delivery, Key, User, Vendor
from damlink_istock.sandbox.wire import Call, refusal


def download_image(vendor: Vendor, call: Call) -> Response:
    """`POST /v3/downloads/images/{id}`; `auto_download` is on unless turned off."""
    return _download(vendor, call, is_video=False)


def download_video(vendor: Vendor, call: Call) -> Response:
    """`POST /v3/downloads/videos/{id}`; `auto_download` is off unless turned on."""
    return _download(vendor, call, is_video=True)


def _download(vendor: Vendor, call: Call, *, is_video: bool) -> Response:
    caller = calling_user(vendor, call)
    auto = flag(call, "auto_download", default=not is_video)
    kind = _paid_with(vendor, call, caller.key)
    asset = _asset(vendor, call, is_video=is_video)
    size = _video_size(asset, call) if is_video else _image_size(asset, call)
    notes, code = _details(vendor, call)
    if _takes_row(vendor, caller.user, asset, kind):
        vendor.add_licence(
            asset,
            caller.user,
            vendor.now(),
            kind,
            size_name=size.name,
            source="api",
            notes=notes,
            project_code=code,
        )
    uri = _address(vendor, asset, size)
    return Response(status_code=303, headers={"Location": uri}) if auto else JSONResponse({"uri": uri})


def _paid_with(vendor: Vendor, call: Call, key: Key) -> str:
    """Return the product type: credits where an iStock key names none."""
    kind = product_type(call, key) or (CREDITS if CREDITS in key.product_types else None)
    # Assumed: the stand-in's customer has no Getty product.
    if kind is None or kind not in ISTOCK_TYPES:
        raise refusal(400, "MissingRequiredQueryParameters", "product_type")
    given = call.query.get("product_id")
    if given is not None and given != str(vendor.product(kind).id):
        raise refusal(403, "NoAccessToProductType", f"Field: product_id, {given}")  # assumed
    if flag(call, "use_team_credits", default=False):
        # Assumed: this customer's team has no credits.
        raise refusal(403, "OverageLimitReached", "No team credits.")
    return kind


def _asset(vendor: Vendor, call: Call, *, is_video: bool) -> Asset:
    asset = vendor.assets.get(call.path["id"])
    if asset is None or asset.withdrawn or asset.is_video != is_video:
        raise refusal(404, "VideoNotFound" if is_video else "ImageNotFound")
    if asset.call_for_image:
        # Assumed: neither status nor code is published.
        raise refusal(403, "Forbidden", "Not authorized: call for image.")
    return asset


def _image_size(asset: Asset, call: Call) -> Size:
    """Choose the size by `file_type` and `height`; a vector is its EPS only where that is requested
    (assumed).
    """
    file_type, height = call.query.get("file_type", "jpg"), call.query.get("height")
    if file_type not in ("jpg", "eps"):
        raise refusal(400, "InvalidParameterValue", f"Field: file_type, {file_type}")
    sizes = [size for size in asset.sizes if (size.media.kind == "vector") == (file_type == "eps")]
    if height:
        sizes = [size for size in sizes if str(size.height) == height]
    if not sizes:
        raise refusal(400, "InvalidParameterValue", "Field: file_type, height: no such size of this image")
    return sizes[0]


def _video_size(asset: Asset, call: Call) -> Size:
    name = call.query.get("size") or asset.largest.name
    for size in asset.sizes:
        if size.name == name:
            return size
    raise refusal(400, "InvalidParameterValue", f"Field: size, {name}")


def _details(vendor: Vendor, call: Call) -> tuple[str | None, str | None]:
    """Note and project code from the body; 400 where this customer must give one (assumed)."""
    given, switches = _object(call.body), vendor.switches
    notes, code = given.get("download_notes"), given.get("project_code")
    if switches.note_required and not notes:
        raise refusal(400, "MissingRequiredQueryParameters", "download_notes")
    if switches.project_code_required and code not in switches.project_codes:
        raise refusal(400, "MissingRequiredQueryParameters", "project_code")
    return notes, code


def _object(body: bytes) -> dict[str, Any]:
    """Read the JSON body; no body and `null` are the same. Source: the official SDKs."""
    try:
        given = json.loads(body or b"null")
    except ValueError as error:
        raise refusal(400, "MalformedRequest") from error
    if not isinstance(given, dict | None):
        raise refusal(400, "MalformedRequest")
    return given or {}


def _takes_row(vendor: Vendor, user: User, asset: Asset, kind: str) -> bool:
    """Charge for it, unless licensing again is free; whether it is a new row of the licence list."""
    again = any(row.user == user and row.product_type == kind for row in vendor.licences[asset.id])
    if again and vendor.switches.redownload_free:
        vendor.world.counts.add("free-downloads")
    else:
        _charge(vendor, asset, kind)
    return not again or vendor.switches.redownload_row


def _charge(vendor: Vendor, asset: Asset, kind: str) -> None:
    product, price = vendor.product(kind), asset.credits if kind == CREDITS else 1
    if product.remaining(vendor.now()) < price:
        raise refusal(403, "OverageLimitReached")
    product.used += price
    vendor.world.counts.add("licences")
    vendor.world.counts.add(f"licences:{asset.id}")
    if kind == CREDITS:
        vendor.world.counts.add("credits", price)


def _address(vendor: Vendor, asset: Asset, size: Size) -> str:
    """Return an opaque address at the file host, good for 24 hours."""
    name, ends = (
        vendor.opaque_name("delivery"),
        vendor.world.clock.seconds() + vendor.switches.delivery_lifetime,
    )
    filename = asset.id + PurePath(size.media.filename).suffix.lower()
    vendor.deliveries[name] = Delivery(size.media, filename, ends)
    return f"{vendor.world.origins['istock-delivery']}/xd/{name}"
