"""Webhook configurations: the events that an endpoint receives.

Source: Bynder's published definition of webhooks; Bynder's help page on webhooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from damlink_sandbox.bynder.access import need
from damlink_sandbox.bynder.events import EVENTS
from damlink_sandbox.bynder.portal import Portal, json_object
from damlink_sandbox.bynder.records import Webhook
from damlink_sandbox.bynder.rights import MANAGE_WEBHOOKS, VIEW_WEBHOOKS
from damlink_sandbox.router import Answer, Call, Refusal, Routes, json_answer

_PATH = "/v7/webhooks/public/api/subscriptions"
_READ, _WRITE = "webhooks.config:read", "webhooks.config:write"
_PROTOCOLS = ("http", "https", "sqs", "email", "email-json")
_MOST = 10
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

routes: Routes[Portal] = Routes()


@routes.add(f"GET {_PATH}", scopes=_READ)
def _list(portal: Portal, call: Call) -> Answer:
    need(call, VIEW_WEBHOOKS, MANAGE_WEBHOOKS)
    return json_answer(200, [_render(portal, one) for one in portal.webhooks.values()])


@routes.add(f"GET {_PATH}/{{id}}", scopes=_READ)
def _get(portal: Portal, call: Call) -> Answer:
    need(call, VIEW_WEBHOOKS, MANAGE_WEBHOOKS)
    return json_answer(200, _render(portal, _find(portal, call, 400)))


@routes.add(f"POST {_PATH}", scopes=_WRITE)
@routes.add(f"POST {_PATH}/{{id}}", scopes=_WRITE)
def _create(portal: Portal, call: Call) -> Answer:
    """Create a webhook. The published address has an id in it, surely by mistake."""
    need(call, MANAGE_WEBHOOKS)
    data = _data(call)
    if len(portal.webhooks) >= _MOST:
        raise _refusal(400, f"The maximum of {_MOST} configurations is reached")  # assumed
    name, protocol = _text(data, "name"), _text(data, "protocol").lower()
    made = Webhook(portal.ids.uuid(), name, _endpoint(data, protocol), protocol, _events(data), _days(data))
    portal.webhooks[made.id] = made
    _subscribe(portal, made)
    return json_answer(201, {"id": made.id})


@routes.add(f"PUT {_PATH}/{{id}}", scopes=_WRITE)
def _update(portal: Portal, call: Call) -> Answer:
    """Other events make a new subscription, to be confirmed again (assumed)."""
    need(call, MANAGE_WEBHOOKS)
    webhook, data = _find(portal, call, 404), _data(call)
    events, days = _events(data), _days(data)
    if set(events) != set(webhook.events):
        _unsubscribe(portal, webhook)
        webhook.events = events
        _subscribe(portal, webhook)
    webhook.days = days if days is not None else webhook.days
    return Answer(200)


@routes.add(f"PATCH {_PATH}/{{id}}", scopes=_WRITE)
def _patch(portal: Portal, call: Call) -> Answer:
    need(call, MANAGE_WEBHOOKS)
    webhook, data = _find(portal, call, 404), _data(call)
    if data.get("status", 1) not in (0, 1):
        raise _refusal(400, "Invalid status")
    if "name" in data:
        webhook.name = _text(data, "name")
    active = bool(data.get("status", webhook.active))
    if active != webhook.active:
        webhook.active = active
        (_subscribe if active else _unsubscribe)(portal, webhook)
    return Answer(200)


@routes.add(f"DELETE {_PATH}/{{id}}", scopes=_WRITE)
def _delete(portal: Portal, call: Call) -> Answer:
    need(call, MANAGE_WEBHOOKS)
    webhook = _find(portal, call, 404)
    _unsubscribe(portal, webhook)
    del portal.webhooks[webhook.id]
    return Answer(204)


def _subscribe(portal: Portal, webhook: Webhook) -> None:
    if portal.world.broker and webhook.protocol in ("http", "https"):
        webhook.subscription = portal.world.broker.subscribe(webhook.endpoint, webhook.events)


def _unsubscribe(portal: Portal, webhook: Webhook) -> None:
    if portal.world.broker and webhook.subscription:
        portal.world.broker.unsubscribe(webhook.subscription)
    webhook.subscription = ""


def _render(portal: Portal, webhook: Webhook) -> dict[str, Any]:
    broker = portal.world.broker
    return {
        "configId": webhook.id,
        "name": webhook.name,
        "endpoint": webhook.endpoint,
        "events": list(webhook.events),
        "confirmed": bool(broker and webhook.subscription and broker.is_confirmed(webhook.subscription)),
        "antivirusEnabled": "antivirus.scan.failed" in webhook.events,
        "preArchivedNotificationDays": webhook.days,
        "is_legacy": False,
        "migratedSubscriptions": [],
    }


def _find(portal: Portal, call: Call, status: int) -> Webhook:
    """Find a webhook; an unknown id is a 400 where it is read, which is published, else a 404 (assumed)."""
    webhook = portal.webhooks.get(call.params["id"].lower())
    if webhook is None:
        raise _refusal(status, "Webhook configuration not found")
    return webhook


def _data(call: Call) -> dict[str, Any]:
    data = json_object(call)
    if data is None:
        raise _refusal(400, "Invalid JSON")
    return data


def _text(data: Mapping[str, Any], name: str) -> str:
    if not isinstance(data.get(name), str) or not data[name].strip():
        raise _refusal(400, f"{name} is required")
    return str(data[name])


def _endpoint(data: Mapping[str, Any], protocol: str) -> str:
    """Read an address: https, or on this machine; an ARN or an e-mail address for the other protocols."""
    endpoint = _text(data, "endpoint")
    if protocol not in _PROTOCOLS:
        raise _refusal(400, "Invalid protocol")
    parts = urlsplit(endpoint)
    # Plain http only to this machine, for the receivers of tests.
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if protocol in ("http", "https") and parts.scheme != "https" and not local:
        raise _refusal(400, "Invalid endpoint")
    return endpoint


def _events(data: Mapping[str, Any]) -> tuple[str, ...]:
    events = data.get("events")
    if not isinstance(events, list) or not events or not all(event in EVENTS for event in events):
        raise _refusal(400, "Invalid events")
    return tuple(dict.fromkeys(events))


def _days(data: Mapping[str, Any]) -> int | None:
    days = data.get("preArchivedNotificationDays")
    if days is not None and (not isinstance(days, int) or isinstance(days, bool) or days < 0):
        raise _refusal(400, "Invalid preArchivedNotificationDays")
    return days


def _refusal(status: int, message: str) -> Refusal:
    """Return an error; texts and shape are assumed, published is only that it is an object."""
    return Refusal(json_answer(status, {"message": message}))
