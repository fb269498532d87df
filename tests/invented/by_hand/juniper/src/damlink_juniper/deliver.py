"""Delivery of one file to Juniper: once, whatever happens on the way."""

from __future__ import annotations

from functools import partial
from typing import Final

from damlink import Checkpoint, Context, NotedDelivery, PreparedAsset, PushResult, Removed, SourceAsset
from damlink_juniper.settings import JuniperSettings

from damlink_juniper import api

__all__ = ["deliver", "remove"]

# Seconds until a file that has arrived is found by its reference.
LAG: Final = 3.0


def deliver(
    ctx: Context[JuniperSettings],
    prepared: PreparedAsset,
    source: SourceAsset,
    previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult:
    """Send the file, unless Juniper has it, and delete the file of the version before; or change the title."""
    reference = f"{source.source_id} {prepared.content_fingerprint}"
    send = partial(api.send_file, ctx.http, prepared, reference)
    file_id = _delivery(ctx, checkpoint).deliver(reference, send, previous=previous)
    if prepared.is_content_of(previous):
        api.rename_file(ctx.http, file_id, prepared.name)
    return PushResult(file_id)


def remove(
    ctx: Context[JuniperSettings], removed: Removed, previous: PushResult | None, checkpoint: Checkpoint
) -> Removed:
    """Delete the file of an asset that was deleted, archived or untagged."""
    _delivery(ctx, checkpoint).discard(previous=previous)
    return removed


def _delivery(ctx: Context[JuniperSettings], checkpoint: Checkpoint) -> NotedDelivery:
    find, delete = partial(api.find_file, ctx.http), partial(api.delete_file, ctx.http)
    return NotedDelivery(ctx.http, checkpoint, find, delete, LAG)
