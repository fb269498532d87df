"""Poll of a media at Imatag, with growing pauses and a timeout, and the fetch of its marked file."""

from __future__ import annotations

from typing import Final, NoReturn

from damlink import AssetRejectedError, Backoff, Checkpoint, Context, NotYet, Poll
from damlink_imatag import api
from damlink_imatag.media_info import MeasuredSpool
from damlink_imatag.notes import forget

__all__ = ["await_ready", "fetch"]

BACKOFF: Final = Backoff(first_seconds=2.0, longest_seconds=60.0)
NOT_READY: Final = 409
GONE: Final = (404, 410)


def await_ready(ctx: Context, kind: str, checkpoint: Checkpoint) -> None:
    """Return if Imatag has marked the file.

    Args:
        kind: type of the asset: `image`, `video`, …

    Raises:
        NotYet: the mark is not finished.
        AssetRejectedError: Imatag could not mark the file.
    """
    media = checkpoint.get("media")
    if media.get("ready"):
        return
    if "adopted" not in media and not checkpoint.get("polls"):
        # The file has just been sent: no mark can be finished yet.
        _pause(ctx, kind, checkpoint)
    try:
        now = api.state(ctx.http, ctx.settings, media["id"])
    except AssetRejectedError as error:
        raise _explain_gone(error, checkpoint) from error
    if now.state == api.FAILED:
        forget(checkpoint)
        raise AssetRejectedError(f"Imatag could not mark it: {now.problem}")
    if now.state != api.READY:
        _pause(ctx, kind, checkpoint)
    checkpoint.put(media=media | {"ready": True})


def _pause(ctx: Context, kind: str, checkpoint: Checkpoint) -> NoReturn:
    """Postpone the transfer, longer each time; after the timeout until the next run."""
    poll = Poll.read(checkpoint.get("polls"), ctx.now())
    if poll.age_seconds(ctx.now()) >= ctx.settings.timeout_seconds(kind):
        checkpoint.put(polls=Poll(ctx.now()).note())
        raise NotYet("Imatag is still marking it; the next run looks again")
    checkpoint.put(polls=poll.advance().note())
    raise NotYet("Imatag is marking it", BACKOFF.pause_seconds(poll.count))


def fetch(ctx: Context, kind: str, filename: str, checkpoint: Checkpoint) -> MeasuredSpool:
    """Fetch the whole marked file.

    Raises:
        NotYet: the file is not ready after all.
        AssetRejectedError: Imatag no longer has the file.
    """
    media = checkpoint.get("media")
    content = api.open_marked(ctx.http, ctx.settings, media["id"], filename)
    try:
        return MeasuredSpool(content)
    except AssetRejectedError as error:
        if error.status == NOT_READY:
            checkpoint.put(media=media | {"ready": False})
            _pause(ctx, kind, checkpoint)
        raise _explain_gone(error, checkpoint) from error
    finally:
        content.close()


def _explain_gone(error: AssetRejectedError, checkpoint: Checkpoint) -> AssetRejectedError:
    """Return the error of a missing media. A person decides whether the original is marked again."""
    if error.status not in GONE:
        return error
    forget(checkpoint)
    hint = "remove the media at Imatag, then retry: it is marked anew"
    return AssetRejectedError("Imatag no longer has the marked file", hint=hint, status=error.status)
