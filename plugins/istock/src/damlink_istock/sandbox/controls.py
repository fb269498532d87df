"""Control actions of the stand-in: licences, withdrawn assets, switches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from damlink_istock.sandbox.catalogue import FIRST_ID, Asset
from damlink_istock.sandbox.product_types import CREDITS, ISTOCK_TYPES, SUBSCRIPTION
from damlink_istock.sandbox.vendor import User, Vendor
from damlink_sandbox import Synthetic

if TYPE_CHECKING:
    from damlink_sandbox import MediaFile

# JSON, as the test sends it.
Body = Mapping[str, Any]
_ENDINGS = {"image": "jpg", "vector": "eps", "video": "mov"}


def license_assets(vendor: Vendor, body: Body) -> Any:
    """Add rows to the licence list, as if a person had licensed something on the website.

    With `id`: one row for that asset. Else `count` (1) new assets of `size` (20,000) bytes and `kind`
    (image, vector or video). Both take `user`, `product_type`, `date` (ISO 8601) or `days_ago` (0); the first
    also `size_name`; the second `spread_days` (dates from there back over that time) and `call_for_image`.
    With `after_pages`, it happens once so many pages of the licence list have been answered.
    """
    if pages := int(body.get("after_pages", 0)):
        later = {name: value for name, value in body.items() if name != "after_pages"}
        vendor.pending.append((pages, partial(license_assets, vendor, later)))
        return {"ids": []}
    if "id" in body:
        asset, size_name = _asset(vendor, body), str(body.get("size_name", ""))
        vendor.add_licence(asset, _user(vendor, body), _date(vendor, body), _type(body), size_name=size_name)
        return {"ids": [asset.id]}
    return {"ids": [asset.id for asset in _new_assets(vendor, body)]}


def unlicense(vendor: Vendor, body: Body) -> Any:
    """Take all rows of an asset off the list, as when a person removes it from the account."""
    asset = _asset(vendor, body)
    vendor.licences.pop(asset.id, None)
    return {"id": asset.id}


def withdraw(vendor: Vendor, body: Body) -> Any:
    """Stop offering the asset; its rows stay. `{"on": false}` takes that back."""
    asset = _asset(vendor, body)
    asset.withdrawn = _on(body)
    return {"id": asset.id}


def call_for_image(vendor: Vendor, body: Body) -> Any:
    """Offer the asset by the sales representative only."""
    asset = _asset(vendor, body)
    asset.call_for_image = _on(body)
    return {"id": asset.id}


def allowance(vendor: Vendor, body: Body) -> Any:
    """`remaining` downloads (or credits) are left of `product_type`, the subscription if it is not named."""
    product, remaining = vendor.product(_type(body)), int(body.get("remaining", 0))
    product.remaining(vendor.now())
    product.limit = max(product.limit, remaining)
    product.used = product.limit - remaining
    return {"remaining": remaining}


def redownload(vendor: Vendor, body: Body) -> Any:
    """`free`: licensing again costs nothing. `adds_row`: it is a new row of the list."""
    return _turn(
        vendor, redownload_free=bool(body.get("free")), redownload_row=bool(body.get("adds_row", True))
    )


def expire_tokens(vendor: Vendor, body: Body) -> Any:
    """Expire all access tokens now; with `refresh`, the refresh tokens too."""
    vendor.access.clear()
    if body.get("refresh"):
        vendor.refresh.clear()
    return {}


def revoke_key(vendor: Vendor, body: Body) -> Any:
    """Revoke the first API key; `{"on": false}` takes that back."""
    vendor.keys[0].revoked = _on(body)
    return {}


def require_project_code(vendor: Vendor, body: Body) -> Any:
    """Require one of `codes` (P-100 if not given) for downloads; with `note`, a note too."""
    codes = [str(code) for code in body.get("codes", ["P-100"])]
    return _turn(
        vendor, project_code_required=_on(body), project_codes=codes, note_required=bool(body.get("note"))
    )


def rate_limit(vendor: Vendor, body: Body) -> Any:
    """`per_second` calls are answered, more are 403 "Account Over Queries Per Second Limit", or `status`."""
    limit, status = int(body.get("per_second", 0)), int(body.get("status", 403))
    return _turn(vendor, calls_per_second=limit, limit_status=status)


def client_user(vendor: Vendor, body: Body) -> Any:
    """Let tokens by client credentials stand for `user` from now on; none: user-less."""
    return _turn(vendor, client_user=str(body.get("user", "")))


def lifetime(vendor: Vendor, body: Body) -> Any:
    """New access tokens live `seconds`."""
    return _turn(vendor, lifetime=float(body.get("seconds", 1800)))


def switch(name: str) -> Callable[[Vendor, Body], Any]:
    """Return an action that turns one switch on, or off by `{"on": false}`."""
    return lambda vendor, body: _turn(vendor, **{name: _on(body)})


ACTIONS: dict[str, Callable[[Vendor, Body], Any]] = {
    "license": license_assets,
    "unlicense": unlicense,
    "withdraw": withdraw,
    "call_for_image": call_for_image,
    "allowance": allowance,
    "redownload": redownload,
    "expire_tokens": expire_tokens,
    "revoke_key": revoke_key,
    "require_project_code": require_project_code,
    "rate_limit": rate_limit,
    "client_user": client_user,
    "lifetime": lifetime,
    "company_right": switch("company_right"),
    "rotation": switch("rotation"),
    "ranges": switch("ranges"),
    "etag": switch("etag"),
    "window_limit": switch("window_limit"),
}


def _turn(vendor: Vendor, **changes: Any) -> Any:
    vendor.switches = attrs.evolve(vendor.switches, **changes)
    return attrs.asdict(vendor.switches)


def _on(body: Body) -> bool:
    return bool(body.get("on", True))


def _asset(vendor: Vendor, body: Body) -> Asset:
    if body.get("id") not in vendor.assets:
        raise ValueError(f"no asset {body.get('id')}")
    return vendor.assets[body["id"]]


def _user(vendor: Vendor, body: Body) -> User:
    user = vendor.user(body.get("user", vendor.users[0].username))
    if user is None:
        raise ValueError(f"no user {body['user']}")
    return user


def _type(body: Body) -> str:
    kind = str(body.get("product_type", SUBSCRIPTION))
    if kind not in ISTOCK_TYPES:
        raise ValueError(f"product_type must be {SUBSCRIPTION} or {CREDITS}, not {kind}")
    return kind


def _date(vendor: Vendor, body: Body) -> datetime:
    if "date" not in body:
        return vendor.now() - timedelta(days=float(body.get("days_ago", 0)))
    date = datetime.fromisoformat(body["date"])
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _new_assets(vendor: Vendor, body: Body) -> Iterator[Asset]:
    count, size, kind = (
        int(body.get("count", 1)),
        int(body.get("size", 20_000)),
        str(body.get("kind", "image")),
    )
    latest, user, product_type = _date(vendor, body), _user(vendor, body), _type(body)
    step = timedelta(days=float(body.get("spread_days", 0))) / count
    for number in range(count):
        name = f"new-{len(vendor.assets)}.{_ENDINGS[kind]}"
        asset = new_asset(vendor, Synthetic(name, size, kind, len(vendor.assets), 1200, 800))
        asset.call_for_image = bool(body.get("call_for_image"))
        vendor.add_licence(asset, user, (latest - step * number).replace(microsecond=0), product_type)
        yield asset


def new_asset(vendor: Vendor, media: MediaFile) -> Asset:
    """Return an asset with the next id."""
    number = len(vendor.assets)
    asset = Asset(str(FIRST_ID + number), number, media)
    vendor.assets[asset.id] = asset
    return asset
