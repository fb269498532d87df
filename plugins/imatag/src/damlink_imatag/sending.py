"""An original goes to Imatag: never twice, since each upload makes another mark."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Final, cast

from damlink import (
    AssetRejectedError,
    AuthError,
    Checkpoint,
    Content,
    Context,
    NotYet,
    TransientError,
    UnclearError,
)
from damlink.bynder import Asset
from damlink_imatag import api, directory
from damlink_imatag.measure import Facts, Measured
from damlink_imatag.notes import put_facts
from damlink_imatag.selection import version_of

__all__ = ["found", "is_of", "send"]

SETTLE: Final = timedelta(seconds=5)  # assumed: after that a search shows what was uploaded
MOST_NAMES: Final = 5  # of one original, where others are taken
MOST_LOST: Final = 3  # answers on end; then the row fails, and is due again later
CONFLICT: Final = 409


def found(ctx: Context, asset: Asset, checkpoint: Checkpoint) -> list[api.Media]:
    """What Imatag holds of an asset; looked for once an upload that may have happened would show.

    Raises:
        NotYet: it is too early to look.
    """
    if sending := checkpoint.get("sending"):
        early = datetime.fromisoformat(sending["since"]) + SETTLE - ctx.now()
        if early > timedelta():
            raise NotYet("looking whether Imatag has it", early.total_seconds())
    folder = directory.normalised(ctx.settings.directory)
    return api.find(ctx.http, ctx.settings, folder, asset.id)


def is_of(media: api.Media, asset: Asset, facts: Facts) -> bool:
    """Whether a media was made of this very original: by its hash, or by the path that we gave it."""
    tail = f"-{asset.id}-{version_of(asset)}"
    stem = PurePosixPath(media.path).stem
    return (media.sha256 or "").lower() == facts.sha256 or re.search(
        rf"{re.escape(tail)}(-\d+)?$", stem
    ) is not None


def send(ctx: Context, asset: Asset, content: Content, checkpoint: Checkpoint) -> None:
    """Upload it, under the first name that is free; hashed on its way.

    Raises:
        NotYet: the answer got lost.
        TransientError: that happens every time.
        AssetRejectedError: Imatag will not have it.
    """
    for attempt in range(1, MOST_NAMES + 1):
        path = directory.path_of(
            directory.normalised(ctx.settings.directory),
            content.filename,
            asset.id,
            version_of(asset),
            attempt,
        )
        try:
            _upload(ctx, asset, content, path, checkpoint)
            return
        except AssetRejectedError as error:
            if error.status != CONFLICT or attempt == MOST_NAMES:
                raise
        finally:
            content.close()


def _upload(ctx: Context, asset: Asset, content: Content, path: str, checkpoint: Checkpoint) -> None:
    file = Measured(content, content.size)
    lost = int((checkpoint.get("sending") or {}).get("lost", 0))
    sending = {"since": ctx.now().isoformat(), "lost": lost}
    checkpoint.put(sending=sending)
    try:
        media = api.upload(ctx.http, ctx.settings, path, asset.id, cast(Any, file), content.media_type)
    except UnclearError as error:
        lost = (lost + 1) % MOST_LOST
        checkpoint.put(sending=sending | {"lost": lost})
        if not lost:
            raise TransientError(f"Imatag keeps failing to take it: {error}", status=error.status) from error
        raise NotYet(f"looking whether Imatag has it: {error}", SETTLE.total_seconds()) from error
    except (AssetRejectedError, AuthError, TransientError):
        checkpoint.put(sending=None)
        raise
    noted = {"id": str(media.id), "ready": media.state == api.READY}
    put_facts(checkpoint, "source", file.facts(), media=noted, sending=None)
