"""Notifications of changes, for the notification service.

Source: Bynder's help page on webhooks; the form of the messages is seen in integrations.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from damlink_sandbox.bynder.state import Asset
from damlink_sandbox.world import World

CREATED = "asset_bank.media.create"
UPDATED = "asset_bank.media.updated"
META_UPDATED = "asset_bank.media.meta_updated"
ARCHIVED = "asset_bank.media.archived"
DELETED = "asset_bank.media.deleted"
JOB_CREATED = "workflow.job.create"
EVENTS = frozenset(
    {CREATED, UPDATED, META_UPDATED, ARCHIVED, DELETED, JOB_CREATED}
    | {"asset_bank.media.pre_archived", "antivirus.scan.failed"}
)


def subjects(before: Asset | None, after: Asset) -> list[str]:
    """Return the subjects of a change of an asset, in the order of their messages.

    An asset in the waiting room has none until it is approved (assumed).
    """
    if before is None or not before.visible:
        return [CREATED] if after.visible else []
    if not after.visible:
        return [DELETED] if after.deleted else []
    told = [UPDATED] if before.active.id != after.active.id else []
    told += [META_UPDATED] if _metadata(before) != _metadata(after) else []
    return told + ([ARCHIVED] if after.is_archived and not before.is_archived else [])


def _metadata(asset: Asset) -> tuple[object, ...]:
    """Return the fields whose change is a change of metadata. Published are title, description and
    metaproperties; tags are assumed.

    Archiving is a change of metadata too, and so is its end (the latter assumed).
    """
    return asset.name, asset.description, dict(asset.values), asset.tags, asset.is_archived


def publish(world: World, subject: str, message: Mapping[str, Any], lag: float = 0.0) -> None:
    """Hand a notification to the broker, `lag` seconds later; without a broker there is none."""
    if world.broker is None:
        return
    world.counts.add("events")
    if not lag:
        world.broker.publish(subject, message)
        return
    timer = threading.Timer(lag, world.broker.publish, (subject, message))
    timer.daemon = True
    timer.start()
