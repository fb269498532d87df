"""Delivery of a licensed file into Bynder."""

from __future__ import annotations

import attrs

from damlink import Checkpoint, Context, PreparedAsset, PushResult
from damlink_istock import licence

__all__ = ["deliver"]


def deliver(ctx: Context, prepared: PreparedAsset, checkpoint: Checkpoint) -> PushResult:
    """Upload a licensed file, with a notice if it may have been charged twice."""
    result = ctx.bynder.upload(prepared, checkpoint, waiting_room=ctx.settings.send_to_waiting_room)
    return attrs.evolve(result, notice=licence.notice(checkpoint))
