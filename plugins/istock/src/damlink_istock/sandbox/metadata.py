"""The calls that only read: customer, products, images, videos.

Source: the Getty Images API v3 definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

from damlink_istock.sandbox.access import calling_token, calling_user
from damlink_istock.sandbox.catalogue import Asset
from damlink_istock.sandbox.fields import IMAGE_FIELDS, IMAGE_SETS, VIDEO_FIELDS, VIDEO_SETS, expand
from damlink_istock.sandbox.history import person
from damlink_istock.sandbox.product_types import SUBSCRIPTION
from damlink_istock.sandbox.vendor import Product, Vendor
from damlink_istock.sandbox.wire import Call, refusal

MOST_IDS = 100


def customer(vendor: Vendor, call: Call) -> Response:
    """`GET /v3/customers/current`."""
    known = person(calling_user(vendor, call).user)
    return JSONResponse({name: value for name, value in known.items() if name != "username"})


def products(vendor: Vendor, call: Call) -> Response:
    """`GET /v3/products`: what the user has on the site of this key."""
    key = calling_user(vendor, call).key
    asked = _read_fields(call, frozenset({"download_requirements"}), default="")
    mine = [product for product in vendor.products if product.type in key.product_types]
    return JSONResponse({"products": [_product(vendor, product, asked) for product in mine]})


def images(vendor: Vendor, call: Call) -> Response:
    """`GET /v3/images` and `GET /v3/images/{id}`."""
    found, missing, fields = _search(vendor, call, IMAGE_FIELDS, IMAGE_SETS, is_video=False)
    if not found:
        raise refusal(404, "ImageNotFound")
    return JSONResponse({"images": _records(vendor, found, fields), "images_not_found": missing})


def videos(vendor: Vendor, call: Call) -> Response:
    """`GET /v3/videos` and `GET /v3/videos/{id}`: those not found are left out without a word."""
    found, _, fields = _search(vendor, call, VIDEO_FIELDS, VIDEO_SETS, is_video=True)
    if not found:
        raise refusal(404, "VideosNotFound")
    return JSONResponse({"videos": _records(vendor, found, fields)})


def _product(vendor: Vendor, product: Product, asked: list[str]) -> dict[str, Any]:
    now, is_subscription = vendor.now(), product.type == SUBSCRIPTION
    left = product.remaining(now)
    reset = (now.replace(day=1) + timedelta(days=32)).replace(day=1)
    answer = {
        "application_website": "iStockPhoto",
        "type": product.type,
        "id": product.id,
        "status": "active",
        "name": None,
        "agreement_name": None,
        "download_limit": product.limit if is_subscription else None,
        # The spelling is assumed.
        "download_limit_duration": "monthly" if is_subscription else None,
        "download_limit_reset_utc_date": f"{reset:%Y-%m-%d}T00:00:00" if is_subscription else None,
        "downloads_remaining": left if is_subscription else None,
        "expiration_utc_date": f"{now.year + 1}-12-31T00:00:00",
        "credits_remaining": None if is_subscription else left,
        "team_credits": None,
        "imagepack_resolution": None,
        "overage": None,
    }
    return answer | ({"download_requirements": _requirements(vendor)} if asked else {})


def _requirements(vendor: Vendor) -> dict[str, Any]:
    switches = vendor.switches
    needs = {
        "is_note_required": switches.note_required,
        "is_project_code_required": switches.project_code_required,
    }
    return needs | {"project_codes": switches.project_codes}


def _read_fields(call: Call, allowed: frozenset[str], default: str) -> list[str]:
    given = [name.strip() for name in call.query.get("fields", default).split(",") if name.strip()]
    unknown = sorted(set(given) - allowed)
    if unknown:
        raise refusal(400, "InvalidParameterValue", f"Field: fields, {unknown[0]}")
    return given


def _search(
    vendor: Vendor, call: Call, allowed: frozenset[str], sets: Mapping[str, str], *, is_video: bool
) -> tuple[list[Asset], list[str], list[str]]:
    """Return the assets found, the ids not found, and the fields to answer."""
    calling_token(vendor, call)
    fields = expand(_read_fields(call, allowed, default="summary_set"), sets)
    ids = (
        [call.path["id"]]
        if "id" in call.path
        else [part for part in call.query.get("ids", "").split(",") if part]
    )
    if not ids:
        raise refusal(400, "ImageIdMustBeSpecified")
    if len(ids) > MOST_IDS:
        raise refusal(400, "InvalidParameterValue", f"Field: ids, more than {MOST_IDS}")
    here = {
        key: asset
        for key, asset in vendor.assets.items()
        if asset.is_video == is_video and not asset.withdrawn
    }
    # Not in the order of the request, since the API promises none.
    found = [here[key] for key in reversed(list(dict.fromkeys(ids))) if key in here]
    return found, [key for key in ids if key not in here], fields


def _records(vendor: Vendor, assets: list[Asset], fields: list[str]) -> list[dict[str, Any]]:
    return [_record(vendor, asset, fields) for asset in assets]


def _record(vendor: Vendor, asset: Asset, fields: list[str]) -> dict[str, Any]:
    known = {"id": asset.id, **asset.record()}
    if "download_sizes" in fields:
        known["download_sizes"] = [
            size | {"downloads": _offers(vendor, asset)} for size in asset.download_sizes()
        ]
    return {name: known.get(name) for name in fields}


def _offers(vendor: Vendor, asset: Asset) -> list[dict[str, Any]]:
    kind = "videos" if asset.is_video else "images"
    place = f"{vendor.world.origins['istock']}/v3/downloads/{kind}/{asset.id}"
    return [
        {
            "product_id": product.id,
            "product_type": product.type,
            "uri": f"{place}?product_type={product.type}&product_id={product.id}",
            "agreement_name": None,
        }
        for product in vendor.products
    ]
