"""The portal as a part of the sandbox: its two services, its state, its controls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from damlink_sandbox.bynder import (
    account,
    analytics,
    asset_options,
    assets,
    automation,
    campaigns,
    collections,
    content_access,
    dependencies,
    derivatives,
    documents,
    download,
    files_service,
    filters,
    jobs,
    metaproperties,
    oauth,
    oauth1,
    options,
    orders,
    presets,
    products,
    profiles,
    quarantine,
    save,
    similar,
    tags,
    taxonomy,
    transform,
    trash,
    upload,
    usage,
    users,
    webhooks,
)
from damlink_sandbox.bynder.access import check
from damlink_sandbox.bynder.controls import people, services
from damlink_sandbox.bynder.controls.portal import ACTIONS
from damlink_sandbox.bynder.portal import Portal, no_route
from damlink_sandbox.bynder.s3 import S3
from damlink_sandbox.bynder.state import Asset, File, Import, Metaproperty
from damlink_sandbox.pace import Pace
from damlink_sandbox.router import Answer, Call, Message, Receive, Router, Send
from damlink_sandbox.world import World

_RESOURCES = (
    account,
    analytics,
    assets,
    automation,
    campaigns,
    collections,
    content_access,
    dependencies,
    derivatives,
    documents,
    download,
    files_service,
    filters,
    jobs,
    metaproperties,
    oauth,
    oauth1,
    options,
    orders,
    presets,
    products,
    profiles,
    quarantine,
    save,
    similar,
    tags,
    taxonomy,
    transform,
    trash,
    upload,
    usage,
    users,
    asset_options,
    webhooks,
)
_ACTIONS = {**ACTIONS, **people.ACTIONS, **services.ACTIONS}


class PortalService:
    """The ASGI application of the portal; the pace is asked first, so that every request counts."""

    def __init__(self, portal: Portal, pace: Pace) -> None:
        routes = [route for resource in _RESOURCES for route in resource.routes.all]
        self._router = Router(portal, routes, lock=portal.lock, unknown=_unknown, guard=_guard)
        self._pace = pace

    def admit(self, client: str) -> Answer | None:
        """Return the 429 for an address over the limit, without headers; its body is assumed."""
        return None if self._pace.admits(client) else Answer(429, b"", "text/plain")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._router(scope, receive, send)


def _guard(portal: Portal, route: Any, call: Call) -> None:
    check(portal.access, route, call)


def _unknown(_call: Call) -> Answer:
    return no_route().answer


class BynderSandbox:
    """One portal with its storage. Services `portal` and `s3`.

    Attributes:
        client_id: of the registered OAuth 2.0 application; `client_secret` belongs to it.
        token: the permanent token.
        consumer_key: of OAuth 1.0a; `consumer_secret`, `oauth_token`, `oauth_token_secret` belong to it.
    """

    name = "bynder"

    def __init__(self, world: World) -> None:
        self._world = world
        self._portal = Portal(world)
        metaproperties.defaults(self._portal)
        derivatives.defaults(self._portal)
        self._pace = Pace(world.clock)
        self.token = self._portal.access.permanent
        self.client_id = self._portal.access.client.id
        self.client_secret = self._portal.access.client.secret
        self.consumer_key, self.consumer_secret, self.oauth_token, self.oauth_token_secret = people.oauth1(
            self._portal, {}
        ).values()

    def services(self) -> Mapping[str, Any]:
        """Return the portal and the storage origin."""
        return {"portal": PortalService(self._portal, self._pace), "s3": S3(self._portal)}

    def connector(self) -> Mapping[str, Any]:
        """Return the table of this *portal* as it stands in `damlink.toml`."""
        return {"url": self._world.origins["portal"], "auth": "permanent-token", "token": self.token}

    def secrets(self) -> Iterable[str]:
        """Return the secret keys of `connector()`."""
        return ("token",)

    def control(self, action: str, body: Mapping[str, Any]) -> Any:
        """Run an action of `controls`; `pace` sets the limit and answers the judgement.

        Raises:
            KeyError: an unknown action, or an unknown asset.
        """
        if action == "pace":
            if body:
                self._pace.limit(int(body["requests"]), float(body["seconds"]))
            return self._pace.judgement()
        with self._portal.lock:
            return _ACTIONS[action](self._portal, body)

    def state(self) -> Any:
        """Return the whole portal, with the SHA-256 of every original."""
        with self._portal.lock:
            portal = self._portal
            waiting = [one for one in portal.uploads.values() if not one.is_finalised]
            return {
                "assets": [_asset(portal, asset) for asset in portal.assets.values()],
                "uploads": {
                    "begun": len(portal.uploads),
                    "finalised": len(portal.uploads) - len(waiting),
                    "open": [{"id": one.id, "parts": sorted(one.registered)} for one in waiting],
                },
                "imports": [_import(one) for one in portal.imports.values()],
                "brands": [{"id": brand.id, "name": brand.name} for brand in portal.brands],
                "metaproperties": {one.name: one.id for one in portal.metaproperties.values()},
                **people.summary(portal),
                "pace": self._pace.judgement(),
                "counts": {name: self._world.counts[name] for name in ("saves", "parts", "imports")},
            }


def _asset(portal: Portal, asset: Asset) -> dict[str, Any]:
    return {
        "id": asset.id,
        "name": asset.name,
        "description": asset.description,
        "copyright": asset.copyright,
        "tags": list(asset.tags),
        "brandId": asset.brand_id,
        "sha256": asset.active.content.sha256(),
        "size": asset.active.content.size,
        "filename": asset.active.file_name,
        "created": asset.created.isoformat(),
        "waiting_room": asset.in_waiting_room,
        "access_request": asset.access_request,
        "public": asset.is_public,
        "archived": asset.is_archived,
        "deleted": asset.deleted is not None,
        "versions": [_file(file) for file in asset.versions],
        "additionals": [_file(file) for file in asset.additionals],
        "metaproperties": dict(
            _with_names(portal.metaproperties[key], asset.values[key]) for key in asset.values
        ),
    }


def _with_names(metaproperty: Metaproperty, values: tuple[str, ...]) -> tuple[str, Any]:
    if metaproperty.takes_options:
        return metaproperty.name, [metaproperty.options[value].name for value in values]
    return metaproperty.name, values[0] if values else ""


def _file(file: File) -> dict[str, Any]:
    return {
        "id": file.id,
        "number": file.number,
        "filename": file.file_name,
        "sha256": file.content.sha256(),
        "size": file.content.size,
    }


def _import(one: Import) -> dict[str, Any]:
    return {"id": one.id, "filename": one.file_name, "outcome": one.outcome, "saves": one.saves}
