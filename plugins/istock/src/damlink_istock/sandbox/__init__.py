"""iStock's part of the sandbox: the Getty Images API v3 as an iStock account sees it, with a file host.

Source: the Getty Images API v3 definition; developers.gettyimages.com. It shares nothing with the plugin.
What is unknown is strict here, and marked "assumed".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from damlink_istock.sandbox import delivery as delivery
from damlink_istock.sandbox import metadata as metadata
from damlink_istock.sandbox.access import grant
from damlink_istock.sandbox.catalogue import Asset
from damlink_istock.sandbox.controls import ACTIONS, new_asset
from damlink_istock.sandbox.downloads import download_image, download_video
from damlink_istock.sandbox.history import listing
from damlink_istock.sandbox.product_types import CREDITS, GETTY_TYPES, SUBSCRIPTION
from damlink_istock.sandbox.vendor import Key, Licence, Product, User, Vendor
from damlink_istock.sandbox.wire import Handler, service
from damlink_sandbox import Finding
from damlink_sandbox.mark import SECRET_MARK

if TYPE_CHECKING:
    from damlink_sandbox import Part, World

USER = User("sandbox.user", f"sandbox-password-{SECRET_MARK}", "Sam", "Sandbox")
COLLEAGUE = User("sandbox.colleague", f"colleague-password-{SECRET_MARK}", "Kim", "Colleague")
KEY = Key(f"sandbox-istock-key-{SECRET_MARK}", f"sandbox-istock-secret-{SECRET_MARK}")
GETTY_KEY = Key(f"sandbox-getty-key-{SECRET_MARK}", f"sandbox-getty-secret-{SECRET_MARK}", GETTY_TYPES)
# Days ago: the licences inside the last 30 days.
RECENT = (2, 9, 21)

API: dict[str, Any] = {
    "GET /v3/customers/current": metadata.customer,
    "GET /v3/products": metadata.products,
    "GET /v3/downloads": listing,
    "GET /v3/images": metadata.images,
    "GET /v3/images/{id}": metadata.images,
    "GET /v3/videos": metadata.videos,
    "GET /v3/videos/{id}": metadata.videos,
    "POST /v3/downloads/images/{id}": download_image,
    "POST /v3/downloads/videos/{id}": download_video,
    "POST /oauth2/token": grant,
    "POST /v4/oauth2/token": grant,
}
LOGIN: dict[str, Any] = {"POST /oauth2/token": grant}
DELIVERY: dict[str, Any] = {"GET /xd/{name}": delivery.redirect, "GET /file/{name}": delivery.file}


class IStockSandbox:
    """The stand-in for iStock: one company with two users, a subscription and credits."""

    name = "istock"
    # For the tests of the plugin.
    trial_acts = r"^POST /v3/downloads/"

    def __init__(self, world: World) -> None:
        products = [Product(4711, SUBSCRIPTION, 100_000), Product(0, CREDITS, 1_000)]
        keys = [attrs.evolve(KEY), attrs.evolve(GETTY_KEY)]
        self._vendor = Vendor(world, [USER, COLLEAGUE], keys, products)
        _license_all(self._vendor, [new_asset(self._vendor, media) for media in world.media])

    def services(self) -> Mapping[str, Any]:
        """Return `istock` (the API), `istock-login` (tokens) and `istock-delivery` (files)."""
        tables = {"istock": API, "istock-login": LOGIN, "istock-delivery": DELIVERY}
        return {name: service(self._bound(table), self._vendor.lock) for name, table in tables.items()}

    def state(self) -> Any:
        """Return `licensed`, each asset that has rows, and `products` with their remaining downloads."""
        with self._vendor.lock:
            rows, now = [list(rows) for rows in self._vendor.licences.values() if rows], self._vendor.now()
            left = {product.type: product.remaining(now) for product in self._vendor.products}
        return {"licensed": [_describe(own) for own in rows], "products": left}

    def control(self, action: str, body: Mapping[str, Any]) -> Any:
        """Run one of `controls.ACTIONS`. `KeyError` for another action, `ValueError` for a wrong body."""
        act = ACTIONS[action]
        with self._vendor.lock:
            return act(self._vendor, body)

    def connector(self) -> Mapping[str, Any]:
        """Return a subscription connector for the whole organisation, videos included."""
        origins = self._vendor.world.origins
        return {
            "plugin": "istock",
            "license_model": "subscription",
            "include_videos": True,
            "sync_organization_assets": True,
            "requests_per_second": 100.0,
            "api_url": origins["istock"],
            "token_url": f"{origins['istock-login']}/oauth2/token",
            "api_key": KEY.key,
            "api_secret": KEY.secret,
            "username": USER.username,
            "password": USER.password,
        }

    def secrets(self) -> Iterable[str]:
        """Return the names of the secret settings of `connector()`."""
        return ("api_key", "api_secret", "username", "password")

    def trial_settings(self) -> Mapping[str, Any]:
        """Return a beginning, without which ten years are listed, and no repetition of unclear downloads."""
        begin = self._vendor.world.clock.now() - timedelta(days=450)
        return {"sync_after": begin.date(), "repeat_unclear_downloads": False}

    def findings(self, parts: Mapping[str, Part]) -> Iterator[Finding]:
        """Yield each licensed file that must arrive, compared with the portal's."""
        stored = {tag: asset for asset in parts["bynder"].state()["assets"] for tag in asset["tags"]}
        for licensed in self.state()["licensed"]:
            if licensed["expected"]:
                asset = stored.get(licensed["id"])
                same = asset is not None and asset["sha256"] == licensed["sha256"]
                name = asset["name"] if asset else "(missing)"
                yield Finding(licensed["id"], licensed["sha256"], name, same)

    def _bound(self, table: Mapping[str, Any]) -> dict[str, Handler]:
        return {line: partial(handler, self._vendor) for line, handler in table.items()}


def _license_all(vendor: Vendor, assets: list[Asset]) -> None:
    """Everything by the first user, over the last 14 months; and what makes a listing hard.

    The second asset once more in another size, the third by the colleague too, the fourth by credits too,
    the sixth by the colleague only.
    """
    now = vendor.now()
    older = max(1, len(assets) - len(RECENT))
    for number, asset in enumerate(assets):
        age = RECENT[number] if number < len(RECENT) else 40 + 380 * (number - len(RECENT)) / older
        user = COLLEAGUE if number == 5 else USER
        date = now - timedelta(days=int(age), minutes=37 * number % 1440)
        vendor.add_licence(asset, user, date, SUBSCRIPTION)
    for asset in assets[1:2]:
        vendor.add_licence(asset, USER, now - timedelta(days=4), SUBSCRIPTION, size_name=asset.sizes[-1].name)
    for asset in assets[2:3]:
        vendor.add_licence(asset, COLLEAGUE, now - timedelta(days=100), SUBSCRIPTION)
    for asset in assets[3:4]:
        vendor.add_licence(asset, USER, now - timedelta(days=200), CREDITS)


def _describe(rows: list[Licence]) -> dict[str, Any]:
    asset = rows[0].asset
    return {
        "id": asset.id,
        "filename": asset.filename,
        "sha256": asset.media.sha256(),
        "size": asset.media.size,
        "kind": asset.media.kind,
        "artist": asset.artist,
        "credit_line": asset.credit_line,
        "dates": sorted(f"{row.date:%Y-%m-%dT%H:%M:%S}" for row in rows),
        "users": sorted({row.user.username for row in rows}),
        "product_types": sorted({row.product_type for row in rows}),
        "withdrawn": asset.withdrawn,
        "expected": any(row.product_type == SUBSCRIPTION for row in rows) and not asset.withdrawn,
    }
