"""Verification of the prerequisites of a run, before anything is downloaded."""

from __future__ import annotations

from damlink import Context

__all__ = ["verify"]


def verify(ctx: Context) -> None:
    """Verify that the portal accepts uploads.

    Raises:
        AuthError: the portal's user lacks the right to upload.
    """
    # A download costs money: without the right to upload it would be paid for in vain.
    ctx.bynder.check_upload(waiting_room=ctx.settings.send_to_waiting_room)
