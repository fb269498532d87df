"""An original goes to Imatag: never twice, since each upload makes another mark."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
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
from damlink_imatag.listing import fingerprint
from damlink_imatag.media_info import Facts, Measured
from damlink_imatag.notes import put_facts

__all__ = ["found", "is_of", "send"]

SETTLE: Final = timedelta(seconds=5)  # assumed: after that a search shows what was uploaded
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
    if (media.sha256 or "").lower() == facts.sha256:
        return True
    shown, stem = fingerprint(asset), PurePosixPath(media.path or "").stem
    return bool(shown) and re.search(rf"{re.escape(f'-{asset.id}-{shown}')}(-\d+)?$", stem) is not None


def send(
    ctx: Context, asset: Asset, content: Content, known: Sequence[api.Media], checkpoint: Checkpoint
) -> None:
    """Upload it, under the first name that is free; hashed on its way.

    Args:
        known: what Imatag holds of the asset: their names are taken.

    Raises:
        NotYet: the answer got lost, or the name is taken by what the search does not show.
        TransientError: that happens every time.
        AssetRejectedError: Imatag will not have it.
    """
    taken = {(media.path or "").strip("/") for media in known} | set(_notes(checkpoint)["taken"])
    folder = directory.normalised(ctx.settings.directory)
    names = (
        directory.path_of(folder, content.filename, asset.id, fingerprint(asset), attempt)
        for attempt in count(1)
    )
    try:
        _upload(ctx, asset, content, next(name for name in names if name not in taken), checkpoint)
    finally:
        content.close()


def _notes(checkpoint: Checkpoint) -> dict[str, Any]:
    return {"lost": 0, "taken": []} | (checkpoint.get("sending") or {})


def _upload(ctx: Context, asset: Asset, content: Content, path: str, checkpoint: Checkpoint) -> None:
    file = Measured(content, content.size)
    sending = _notes(checkpoint) | {"since": ctx.now().isoformat()}
    checkpoint.put(sending=sending)
    try:
        media = api.upload(ctx.http, ctx.settings, path, asset.id, cast(Any, file), content.media_type)
    except UnclearError as error:
        lost = (sending["lost"] + 1) % MOST_LOST
        checkpoint.put(sending=sending | {"lost": lost, "since": ctx.now().isoformat()})
        if not lost:
            raise TransientError(f"Imatag keeps failing to take it: {error}", status=error.status) from error
        raise NotYet(f"looking whether Imatag has it: {error}", SETTLE.total_seconds()) from error
    except (AssetRejectedError, AuthError, TransientError) as error:
        if error.status == CONFLICT:
            raise _occupied(path, sending, checkpoint) from error
        checkpoint.put(sending=None)
        raise
    noted = {"id": str(media.id), "ready": media.state == api.READY}
    put_facts(checkpoint, "source", file.facts(), media=noted, sending=None)


def _occupied(path: str, sending: dict[str, Any], checkpoint: Checkpoint) -> NotYet:
    """A name that only this original has is taken: by an upload of ours that the search does not show yet.

    If it never does, it is not ours, and the next name is tried.
    """
    lost = (sending["lost"] + 1) % MOST_LOST
    taken = sending["taken"] if lost else [*sending["taken"], path]
    checkpoint.put(sending=sending | {"lost": lost, "taken": taken})
    return NotYet("looking whether Imatag has it: its name is taken there", SETTLE.total_seconds())
