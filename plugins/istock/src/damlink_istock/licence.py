"""One paid download for each asset: noted before the request, and its address kept while it is valid."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from damlink import (
    AssetRejectedError,
    AuthError,
    Checkpoint,
    Context,
    NotYet,
    SourceAsset,
    TransientError,
    UnclearError,
)
from damlink_istock import api
from damlink_istock.auth import UserTokenError
from damlink_istock.settings import IStockSettings
from damlink_istock.transform import Choice, choices

__all__ = ["EXPIRED", "NOTICE", "file_uri", "notice", "reset_cap"]

NOTICE: Final = "may have been charged twice: an answer of iStock's was lost"
EXPIRED: Final = "may have been charged twice: the address of its first download had expired"
# The address of a download is valid for 24 hours: leave an hour for the transfer.
LIFE: Final = timedelta(hours=23)
# Each request may cost money: even repeated crashes cause no more of them for one asset.
MOST_REQUESTS: Final = 5
# Used where iStock does not say when the allowance is renewed.
LIMIT_PAUSE: Final = timedelta(hours=6)
BAD_REQUEST: Final = 400
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
_CAP: Final = "downloads_this_run"
# True since an unclear answer, until a free request succeeds.
_DOUBT: Final = "download_was_unclear"

# Downloads are requested one at a time, so that a crash can lose only one answer.
_paying = threading.Lock()


def file_uri(ctx: Context, source: SourceAsset, checkpoint: Checkpoint) -> str:
    """Return the address of the licensed file; request a download only if there is no valid address.

    Raises:
        NotYet: the allowance, or the cap of this run, is used up.
        UnclearError: an answer was lost or an address has expired, and the download must not be requested
            again.
        AssetRejectedError: iStock no longer has the asset, or refuses the download.
    """
    with _paying:
        noted = checkpoint.get("licence") or {}
        if "uri" in noted and ctx.now() < datetime.fromisoformat(noted["until"]):
            return str(noted["uri"])
        uri, asked = _pay_for(ctx, source, checkpoint, noted)
        until = ctx.now() + LIFE
        checkpoint.put(licence={"uri": uri, "until": until.isoformat(), "asked": asked})
        return uri


def _pay_for(
    ctx: Context, source: SourceAsset, checkpoint: Checkpoint, noted: Mapping[str, Any]
) -> tuple[str, int]:
    """Request the download, and return its address and the number of requests so far.

    Request it once more if its answer was lost, by a crash or by the network, or if its address has expired.
    """
    # Notes of earlier versions do not count the request of an address.
    asked = int(noted.get("asked", "uri" in noted))
    if noted.get("lost") or asked >= MOST_REQUESTS:
        raise _unclear(asked)
    cause, what = "", "whose address has expired" if "uri" in noted else "whose answer was lost"
    for number in range(asked + 1, max(asked + 1, 2) + 1):
        if number > 1 and not ctx.settings.repeat_unclear_downloads:
            raise UnclearError(f"iStock may have charged a download {what}{cause}")
        try:
            return _note_and_ask(ctx, source, checkpoint, number, noted), number
        except UnclearError as error:
            cause = f": {error}"
            checkpoint.put(licence={"asked": number, "lost": number > 1})
            ctx.state.put(_DOUBT, True)
    raise _unclear(max(asked + 1, 2), cause)


def _unclear(asked: int, cause: str = "") -> UnclearError:
    message = f"iStock gave no clear answer to a download {asked} times; all may have been charged{cause}"
    return UnclearError(message)


def _check_istock(ctx: Context) -> None:
    """Send a free request first if the last download was unclear.

    Thus an outage makes one asset unclear, and not every asset of the run.

    Raises:
        TransientError: iStock does not answer.
    """
    if ctx.state.get(_DOUBT):
        api.products(ctx.http)
        ctx.state.put(_DOUBT, False)


def _note_and_ask(
    ctx: Context, source: SourceAsset, checkpoint: Checkpoint, asked: int, noted: Mapping[str, Any]
) -> str:
    """Note one request, then send it; restore what was noted before if iStock itself refuses it."""
    settings: IStockSettings = ctx.settings
    _check_istock(ctx)
    _count(ctx, settings)
    # Before the request: a crash after it must leave a trace of what may have been paid.
    reason = EXPIRED if "uri" in noted and asked == 2 else NOTICE
    checkpoint.put(licence={"asked": asked}, **({"notice": reason} if asked > 1 else {}))
    try:
        return _ask(ctx, source, settings)
    except (TransientError, AuthError, AssetRejectedError, NotYet):
        checkpoint.put(licence=(dict(noted) or {"asked": asked - 1}) if asked > 1 else None)
        raise


def _ask(ctx: Context, source: SourceAsset, settings: IStockSettings) -> str:
    kind = source.raw["kind"]
    first, *others = choices(source.raw, settings.download_size)
    try:
        return _download(ctx, kind, source.source_id, settings, first)
    except AssetRejectedError as error:
        if error.status != BAD_REQUEST or not others:
            raise _explain_rejection(error) from error
    try:
        return _download(ctx, kind, source.source_id, settings, others[0])
    except AssetRejectedError as error:
        raise _explain_rejection(error) from error


def _download(ctx: Context, kind: str, asset_id: str, settings: IStockSettings, choice: Choice) -> str:
    try:
        return api.download(ctx.http, kind, asset_id, settings, **choice.query)
    except AuthError as error:
        if isinstance(error, UserTokenError) or error.status != FORBIDDEN:
            raise
        raise _explain_refusal(ctx, settings, error) from error


def _explain_refusal(ctx: Context, settings: IStockSettings, error: AuthError) -> Exception:
    """Return the error of a download's 403: the allowance is used up, or the asset is not permitted."""
    if "overage" in error.body.lower() or "limit" in error.body.lower():
        pause = _until_renewed(ctx, settings)
        return NotYet("iStock's allowance is used up", pause.total_seconds())
    return AssetRejectedError(f"iStock does not let this account download it: {error.body}", status=403)


def _until_renewed(ctx: Context, settings: IStockSettings) -> timedelta:
    """Return the time until the allowance is renewed."""
    dates = (
        product.download_limit_reset_utc_date
        for product in api.products(ctx.http)
        if product.type == settings.product_type and settings.product_id in (None, product.id)
    )
    moments = [_utc(text) for text in dates if text]
    pause = min(moments, default=ctx.now() + LIMIT_PAUSE) - ctx.now()
    return pause if pause > timedelta() else LIMIT_PAUSE


def _utc(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed


def _explain_rejection(error: AssetRejectedError) -> AssetRejectedError:
    """Return the error of a refused download with what to do about it."""
    if error.status == NOT_FOUND:
        return AssetRejectedError("iStock no longer offers it", status=404)
    if error.status == BAD_REQUEST:
        hint = "the account may ask for project_code or download_notes: set them, then retry"
        return AssetRejectedError(f"iStock refused the download: {error.body}", hint=hint, status=400)
    return error


def reset_cap(ctx: Context) -> None:
    """Reset the counter of this run's downloads."""
    ctx.state.put(_CAP, 0)


def _count(ctx: Context, settings: IStockSettings) -> None:
    """Count one download against this run's cap.

    Raises:
        NotYet: the cap is reached.
    """
    most = settings.max_downloads_per_run
    if most is None:
        return

    def add(count: int) -> int:
        if count >= most:
            raise NotYet(f"this run's cap of {most} downloads is reached")
        return count + 1

    # Several threads count at once: none may exceed the cap by what it has read before.
    ctx.state.update(_CAP, add, 0)


def notice(checkpoint: Checkpoint) -> str:
    """Return the notice about possible double charges; empty if there is none."""
    return str(checkpoint.get("notice") or "")
