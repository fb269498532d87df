"""One file into the Gelato library: sent, waited for, and its link written back."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timedelta
from typing import Final

from damlink import AssetRejectedError, Checkpoint, Context, NotYet, PushResult, SourceAsset, TransientError
from damlink.errors import BynderAuthError, BynderError
from damlink_gelato import api, backlink
from damlink_gelato.api import Import
from damlink_gelato.request_body import Order
from damlink_gelato.settings import GelatoSettings
from damlink_gelato.transform import File

__all__ = ["deliver"]

MOST_ADDRESSES: Final = 4  # the first, and three new ones (assumed)
FIRST_PAUSE: Final = 2.0  # seconds, doubling (assumed)
LONGEST_PAUSE: Final = 60.0
PATIENCE: Final = timedelta(minutes=30)
NOT_FOUND: Final = 404
LINK_PAUSE: Final = 15 * 60.0  # once a link has been waited for that long, the next run asks again


def deliver(ctx: Context, file: File, source: SourceAsset, checkpoint: Checkpoint) -> PushResult:
    """Import one file. Safe to repeat: the same original stays one file.

    Raises:
        NotYet: there is no `import_url`, or Gelato is not done.
        TransientError: Gelato has given up on it; a later round sends it again.
        AssetRejectedError: Gelato will not have it.
    """
    order = Order(ctx.settings, ctx.bynder.url, source.source_id, file)
    if not ctx.settings.import_url:
        raise NotYet(f"no import_url is set; it would send {json.dumps(order.fields(), ensure_ascii=False)}")
    if ctx.settings.backlink:
        backlink.place(ctx)  # so that nothing is imported whose link could not be written
    answer = _asked(ctx, order, checkpoint) or _sent(ctx, order)
    if answer.has_failed:
        checkpoint.put(imported=None)
        raise TransientError(f"Gelato could not import it: {answer.said}")
    if not answer.is_ready or _lacks_link(ctx.settings, answer):
        _wait(ctx, order, answer, checkpoint)
    return _finished(ctx, order, answer)


def _asked(ctx: Context, order: Order, checkpoint: Checkpoint) -> Import | None:
    """What became of an import that an earlier round began; `None` if this original has none."""
    noted = checkpoint.get("imported") or {}
    if noted.get("item") != order.file.original.item_id or not ctx.settings.status_url:
        return None
    try:
        return api.status(ctx.http, ctx.settings, noted["file"])
    except api.AgainError:
        return Import(file_id=noted["file"], status=api.PROCESSING)  # it is asked again anyway


def _sent(ctx: Context, order: Order) -> Import:
    """Send the file, with a new address each time that Gelato could not fetch it.

    Raises:
        AssetRejectedError: it takes a right of its own to download it.
    """
    try:
        for _ in range(MOST_ADDRESSES - 1):
            with contextlib.suppress(api.AgainError):
                return api.send(ctx.http, order, _address(ctx, order))
        return api.send(ctx.http, order, _address(ctx, order))
    except BynderAuthError as error:
        if error.status != 403 or not order.file.role:
            raise
        hint = f"give its profile {order.file.role}, then retry"
        raise AssetRejectedError("the portal's user may not download it", hint=hint, status=403) from error


def _address(ctx: Context, order: Order) -> str | None:
    """A temporary address of this very original, even if another version has become the active one.

    Asked for right before its use: nobody says how long it lives.
    """
    if ctx.settings.mode != "pull":
        return None
    assets = ctx.bynder.assets
    try:
        return assets.download(order.asset_id, item_id=order.file.original.item_id or None).url
    except BynderError as error:
        if error.status != NOT_FOUND:
            raise
        return assets.download(order.asset_id).url  # a portal that gives originals by their asset alone


def _lacks_link(settings: GelatoSettings, answer: Import) -> bool:
    return settings.backlink and not answer.checkout_url and bool(settings.status_url)


def _wait(ctx: Context, order: Order, answer: Import, checkpoint: Checkpoint) -> None:
    """Put the rest off: sooner at first, then later and later.

    Raises:
        NotYet: in any case but the next.
        TransientError: Gelato was given time enough, or cannot be asked.
    """
    if not ctx.settings.status_url:
        raise TransientError("Gelato is still at work on it, and cannot be asked", hint="set status_url")
    what = "its checkout link is not there yet" if answer.is_ready else "Gelato is still at work on it"
    noted = checkpoint.get("imported") or {}
    if noted.get("file") != answer.id:
        noted = {"file": answer.id, "item": order.file.original.item_id}
        noted |= {"since": ctx.now().isoformat(), "asked": 0}
    late = ctx.now() - datetime.fromisoformat(noted["since"]) > PATIENCE
    if late and not answer.is_ready:
        checkpoint.put(imported=None)
        raise TransientError(f"{what}, after {PATIENCE.total_seconds() / 60:.0f} minutes")
    checkpoint.put(imported=noted | {"asked": noted["asked"] + 1})
    raise NotYet(what, LINK_PAUSE if late else min(FIRST_PAUSE * 2 ** noted["asked"], LONGEST_PAUSE))


def _finished(ctx: Context, order: Order, answer: Import) -> PushResult:
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
