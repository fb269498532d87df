"""Control actions on the services beside the asset bank."""

from __future__ import annotations

from typing import Any

from damlink_sandbox.bynder import analytics, documents, quarantine
from damlink_sandbox.bynder.actions import Actions, Body
from damlink_sandbox.bynder.portal import Portal

ACTIONS = Actions()


@ACTIONS.add
def add_quarantined(portal: Portal, body: Body) -> Any:
    """Put the asset `{"id"}` into the quarantine; `{"status"}`: of its scan, `INFECTED` by default."""
    asset = portal.assets[body["id"].upper()]
    return {"id": quarantine.add(portal, asset.id, asset.name, body.get("status", "INFECTED"))}


@ACTIONS.add
def add_document(portal: Portal, body: Body) -> Any:
    """Add a document of the authoring service: `{"html"}`."""
    return {"id": documents.add(portal, body.get("html", "<p>Hello</p>"))}


@ACTIONS.add
def add_event(portal: Portal, body: Body) -> Any:
    """Add events of analytics: `{"event", "id": of the asset, "date", "user", "keyword", "times": n}`.

    `event` is `view`, `download`, `create`, `archive`, `remove`, `search`, `login` or `collection`.
    """
    return {"ids": [analytics.add(portal, body["event"], body) for _ in range(int(body.get("times", 1)))]}
