"""Upload of an original to Imatag: never twice, since each upload makes another mark."""

from __future__ import annotations

import os
import re
import uuid
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
from damlink_imatag.media_info import Facts, MeasuredFile
from damlink_imatag.notes import put_facts

__all__ = ["find", "is_of", "send"]

# Assumed: after this time a search shows an upload.
SETTLE: Final = timedelta(seconds=5)
# After so many lost answers in a row the transfer fails, and is due again later.
MOST_LOST: Final = 3
CONFLICT: Final = 409
_START: Final = uuid.uuid4().hex


def find(ctx: Context, asset: Asset, checkpoint: Checkpoint) -> list[api.Media]:
    """Return the media of an asset at Imatag, when a search would show an upload that may have happened.

    Raises:
        NotYet: it is too early to search.
    """
    if sending := checkpoint.get("sending"):
        early = _until_shown(ctx, sending, checkpoint)
        if early > timedelta():
            raise NotYet("looking whether Imatag has it", early.total_seconds())
    folder = directory.normalise(ctx.settings.directory)
    return api.find(ctx.http, ctx.settings, folder, asset.id)


def _until_shown(ctx: Context, sending: dict[str, Any], checkpoint: Checkpoint) -> timedelta:
    """Return the time until a search shows an upload without an answer.

    It counts from the time when this process found that there is no answer: an upload may have been under
    way for minutes when the process that sent it was killed.
    """
    now = ctx.now()
    ended = datetime.fromisoformat(sending["ended"]) if "ended" in sending else None
    # A time in the future means that the clock was set back.
    if ended is None or ended > now or sending.get("process") != _process():
        checkpoint.put(sending=sending | _end(ctx))
        return SETTLE
    return ended + SETTLE - now


def _end(ctx: Context) -> dict[str, Any]:
    """Return the note that an upload has no answer by now, by the clock of this process."""
    return {"ended": ctx.now().isoformat(), "process": _process()}


def _process() -> str:
    """Return what names this process alone: the clock of another may be wrong."""
    # The pid too, since a forked process has the same start, and after a restart another may have its pid.
    return f"{_START}-{os.getpid()}"


def is_of(media: api.Media, asset: Asset, facts: Facts) -> bool:
    """Return whether a media was made from this original, by its hash or by the path of our upload."""
    if (media.sha256 or "").lower() == facts.sha256:
        return True
    shown, stem = fingerprint(asset), PurePosixPath(media.path or "").stem
    return bool(shown) and re.search(rf"{re.escape(f'-{asset.id}-{shown}')}(-\d+)?$", stem) is not None


def send(
    ctx: Context, asset: Asset, content: Content, known: Sequence[api.Media], checkpoint: Checkpoint
) -> None:
    """Upload an original under the first free name, and hash it meanwhile.

    Args:
        known: media of the asset at Imatag: their names are in use.

    Raises:
        NotYet: the answer was lost, or the name is in use by a media that the search does not show.
        TransientError: this has happened several times in a row.
        AssetRejectedError: Imatag refuses the file.
    """
    taken = {(media.path or "").strip("/") for media in known} | set(_notes(checkpoint)["taken"])
    folder = directory.normalise(ctx.settings.directory)
    names = (
        directory.path_of(folder, content.filename, asset.id, fingerprint(asset), attempt)
        for attempt in count(1)
    )
    try:
        _upload(ctx, asset, content, next(name for name in names if name not in taken), checkpoint)
    finally:
        content.close()


def _notes(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the notes of the uploads so far, without the end of the last one."""
    noted = {"lost": 0, "taken": []} | (checkpoint.get("sending") or {})
    return {name: noted[name] for name in ("lost", "taken")}


def _upload(ctx: Context, asset: Asset, content: Content, path: str, checkpoint: Checkpoint) -> None:
    file = MeasuredFile(content)
    sending = _notes(checkpoint)
    checkpoint.put(sending=sending)
    try:
        media = api.upload(ctx.http, ctx.settings, path, asset.id, cast(Any, file), content.media_type)
    except UnclearError as error:
        lost = (sending["lost"] + 1) % MOST_LOST
        checkpoint.put(sending=sending | {"lost": lost} | _end(ctx))
        if not lost:
            raise TransientError(f"Imatag keeps failing to take it: {error}", status=error.status) from error
        raise NotYet(f"looking whether Imatag has it: {error}", SETTLE.total_seconds()) from error
    except (AssetRejectedError, AuthError, TransientError) as error:
        if error.status == CONFLICT:
            raise _note_occupied(ctx, path, sending, checkpoint) from error
        checkpoint.put(sending=None)
        raise
    noted = {"id": str(media.id), "ready": media.state == api.READY}
    put_facts(checkpoint, "source", file.facts(), media=noted, sending=None)


def _note_occupied(ctx: Context, path: str, sending: dict[str, Any], checkpoint: Checkpoint) -> NotYet:
    """Note that the name is in use, by an upload of ours that the search does not show yet.

    If the search never shows it, it is not ours, and the next name is tried.
    """
    lost = (sending["lost"] + 1) % MOST_LOST
    taken = sending["taken"] if lost else [*sending["taken"], path]
    checkpoint.put(sending=sending | {"lost": lost, "taken": taken} | _end(ctx))
    return NotYet("looking whether Imatag has it: its name is taken there", SETTLE.total_seconds())
