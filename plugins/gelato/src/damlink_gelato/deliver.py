"""Delivery of one file to the Gelato library: send it, wait for it, and write its link back."""

from __future__ import annotations

import contextlib
import json
from typing import Final

from damlink import Backoff, Checkpoint, Context, NotYet, Poll, PushResult, SourceAsset, TransientError
from damlink.bynder import reject_undownloadable
from damlink.errors import BynderError
from damlink_gelato import api, backlink
from damlink_gelato.api import Import
from damlink_gelato.request_body import ImportRequest
from damlink_gelato.settings import GelatoSettings
from damlink_gelato.transform import File

__all__ = ["deliver"]

# The first address, and three new ones (assumed).
MOST_ADDRESSES: Final = 4
BACKOFF: Final = Backoff(first_seconds=2.0, longest_seconds=60.0)
IMPORT_TIMEOUT_SECONDS: Final = 30 * 60.0
# After the timeout a missing link is polled only by later runs.
LINK_PAUSE_SECONDS: Final = 15 * 60.0
NOT_FOUND: Final = 404


def deliver(ctx: Context, file: File, source: SourceAsset, checkpoint: Checkpoint) -> PushResult:
    """Import one file. Safe to repeat: the same original stays one file.

    Raises:
        NotYet: `import_url` is not set, or Gelato is not finished.
        TransientError: Gelato could not import the file; a later round sends it again.
        AssetRejectedError: Gelato refuses the file.
    """
    order = ImportRequest(ctx.settings, ctx.bynder.url, source.source_id, file)
    if not ctx.settings.import_url:
        raise NotYet(f"no import_url is set; it would send {json.dumps(order.fields(), ensure_ascii=False)}")
    if ctx.settings.backlink:
        # Import nothing whose link cannot be written afterwards.
        backlink.ensure_metaproperty(ctx)
    answer = _poll(ctx, order, checkpoint) or _send(ctx, order)
    if answer.has_failed:
        checkpoint.put(imported=None)
        raise TransientError(f"Gelato could not import it: {answer.reason}")
    if not answer.is_ready or _lacks_link(ctx.settings, answer):
        _wait(ctx, order, answer, checkpoint)
    return _finish(ctx, order, answer)


def _poll(ctx: Context, order: ImportRequest, checkpoint: Checkpoint) -> Import | None:
    """Return the state of an import that an earlier round began; `None` if this original has none."""
    noted = checkpoint.get("imported") or {}
    # The import of an earlier original says nothing about this one.
    if noted.get("item") != order.file.original.item_id or not ctx.settings.status_url:
        return None
    try:
        return api.status(ctx.http, ctx.settings, noted["file"])
    except api.AgainError:
        # The next round polls again anyway.
        return Import(file_id=noted["file"], status=api.PROCESSING)


def _send(ctx: Context, order: ImportRequest) -> Import:
    """Send the file, with a new address each time that Gelato could not fetch it.

    Raises:
        AssetRejectedError: the portal's user lacks a role to download this file.
    """
    with reject_undownloadable(order.file.roles):
        for _ in range(MOST_ADDRESSES - 1):
            with contextlib.suppress(api.AgainError):
                return api.send(ctx.http, order, _request_address(ctx, order))
        return api.send(ctx.http, order, _request_address(ctx, order))


def _request_address(ctx: Context, order: ImportRequest) -> str | None:
    """Return a temporary address of this very original, also if another version is active now.

    Requested right before its use, since its lifetime is not documented.
    """
    if ctx.settings.mode != "pull":
        return None
    assets = ctx.bynder.assets
    try:
        return assets.download(order.asset_id, item_id=order.file.original.item_id or None).url
    except BynderError as error:
        if error.status != NOT_FOUND:
            raise
        # Some portals offer originals by the id of the asset alone.
        return assets.download(order.asset_id).url


def _lacks_link(settings: GelatoSettings, answer: Import) -> bool:
    return settings.backlink and not answer.checkout_url and bool(settings.status_url)


def _wait(ctx: Context, order: ImportRequest, answer: Import, checkpoint: Checkpoint) -> None:
    """Postpone the rest, with pauses that double.

    Raises:
        NotYet: Gelato is not finished.
        TransientError: the time for it is over, or Gelato has no address to poll.
    """
    if not ctx.settings.status_url:
        raise TransientError("Gelato is not finished, and there is no address to poll", hint="set status_url")
    what = "its checkout link is not there yet" if answer.is_ready else "Gelato is not finished"
    noted = checkpoint.get("imported") or {}
    # For another file the time counts from now.
    poll = Poll.read(noted if noted.get("file") == answer.id else None, ctx.now())
    is_late = poll.age_seconds(ctx.now()) > IMPORT_TIMEOUT_SECONDS
    if is_late and not answer.is_ready:
        checkpoint.put(imported=None)
        raise TransientError(f"{what}, after {IMPORT_TIMEOUT_SECONDS / 60:.0f} minutes")
    checkpoint.put(imported={"file": answer.id, "item": order.file.original.item_id} | poll.advance().note())
    raise NotYet(what, LINK_PAUSE_SECONDS if is_late else BACKOFF.pause_seconds(poll.count))


def _finish(ctx: Context, order: ImportRequest, answer: Import) -> PushResult:
    """Write the link to the asset, and return the result."""
    settings, link, notice = ctx.settings, answer.checkout_url or "", ""
    if settings.backlink:
        notice = backlink.write(ctx, order.asset_id, link) if link else "Gelato gave no checkout link"
    original = order.file.original
    ctx.progress(original.size or 0)
    return PushResult(
        answer.id,
        url=link if backlink.is_allowed(link, settings.checkout_hosts) else None,
        fingerprint_after=order.file.fingerprint,
        notice=notice,
        detail={"item": original.item_id, "folder": answer.folder or settings.folder},
    )
