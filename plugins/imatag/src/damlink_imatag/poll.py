"""Imatag takes its time: asked with growing pauses, up to a deadline; then the file is fetched."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NoReturn

from damlink import AssetRejectedError, Checkpoint, Context, NotYet
from damlink_imatag import api
from damlink_imatag.media_info import Spool
from damlink_imatag.notes import forget

__all__ = ["await_ready", "fetch"]

FIRST_PAUSE_SECONDS: Final = 2.0
LONGEST_PAUSE_SECONDS: Final = 60.0
NOT_READY: Final = 409
GONE: Final = (404, 410)


def await_ready(ctx: Context, kind: str, checkpoint: Checkpoint) -> None:
    """Return once Imatag has marked it.

    Args:
        kind: of the asset: `image`, `video`, …

    Raises:
        NotYet: it has not yet.
        AssetRejectedError: it could not.
    """
    media = checkpoint.get("media")
    if media.get("ready"):
        return
    if "adopted" not in media and not checkpoint.get("polls"):
        _pause(ctx, kind, checkpoint)  # just sent: there is nothing to ask for yet
    try:
        now = api.state(ctx.http, ctx.settings, media["id"])
    except AssetRejectedError as error:
        raise _gone(error, checkpoint) from error
    if now.state == api.FAILED:
        forget(checkpoint)
        raise AssetRejectedError(f"Imatag could not mark it: {now.problem}")
    if now.state != api.READY:
        _pause(ctx, kind, checkpoint)
    checkpoint.put(media=media | {"ready": True})


def _pause(ctx: Context, kind: str, checkpoint: Checkpoint) -> NoReturn:
    """Put it off, longer each time; beyond the deadline to the next run."""
    polls = checkpoint.get("polls") or {"since": ctx.now().isoformat(), "count": 0}
    waited = (ctx.now() - datetime.fromisoformat(polls["since"])).total_seconds()
    if waited >= ctx.settings.patience_seconds(kind):
        checkpoint.put(polls={"since": ctx.now().isoformat(), "count": 0})
        raise NotYet("Imatag is still marking it; the next run looks again")
    checkpoint.put(polls=polls | {"count": polls["count"] + 1})
    pause = min(FIRST_PAUSE_SECONDS * 2 ** polls["count"], LONGEST_PAUSE_SECONDS)
    raise NotYet("Imatag is marking it", pause)


def fetch(ctx: Context, kind: str, filename: str, checkpoint: Checkpoint) -> Spool:
    """The marked file, whole.

    Raises:
        NotYet: it is not ready after all.
        AssetRejectedError: Imatag no longer has it.
    """
    media = checkpoint.get("media")
    content = api.marked(ctx.http, ctx.settings, media["id"], filename)
    try:
        return Spool(content)
    except AssetRejectedError as error:
        if error.status == NOT_READY:
            checkpoint.put(media=media | {"ready": False})
            _pause(ctx, kind, checkpoint)
        raise _gone(error, checkpoint) from error
    finally:
        content.close()


def _gone(error: AssetRejectedError, checkpoint: Checkpoint) -> AssetRejectedError:
    """What it means that a media cannot be had: nothing is marked anew without a person's word."""
    if error.status not in GONE:
        return error
    forget(checkpoint)
    hint = "remove the media at Imatag, then retry: it is marked anew"
    return AssetRejectedError("Imatag no longer has the marked file", hint=hint, status=error.status)
