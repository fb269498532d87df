"""One paid download for each asset: noted before it is asked for, kept for as long as it lives."""

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

__all__ = ["NOTICE", "file_uri", "notice", "reset_cap"]

NOTICE: Final = "may have been charged twice: an answer of iStock's was lost"
LIFE: Final = timedelta(hours=23)  # a download's address lives 24 hours
MOST_REQUESTS: Final = 5  # of one asset in all, however often a crash takes the answer
LIMIT_PAUSE: Final = timedelta(hours=6)  # where iStock does not say when the allowance is renewed
_CAP: Final = "downloads_this_run"
_DOUBT: Final = "download_was_unclear"  # since the last download that got a clear answer

_paying = threading.Lock()  # one download at a time: a crash can lose the answer to one only


def file_uri(ctx: Context, source: SourceAsset, checkpoint: Checkpoint) -> str:
    """Where the licensed file can be fetched; asks for a download only if there is no address yet.

    Raises:
        NotYet: the allowance, or the cap of this run, is used up.
        UnclearError: an answer was lost, and it must not, or not again, be asked for.
        AssetRejectedError: iStock no longer has it, or will not give it.
    """
    with _paying:
        noted = checkpoint.get("licence") or {}
        if "uri" in noted and ctx.now() < datetime.fromisoformat(noted["until"]):
            return str(noted["uri"])
        uri = _paid_for(ctx, source, checkpoint, {} if "uri" in noted else noted)
        until = ctx.now() + LIFE
        checkpoint.put(licence={"uri": uri, "until": until.isoformat()})
        return uri


def _paid_for(ctx: Context, source: SourceAsset, checkpoint: Checkpoint, noted: Mapping[str, Any]) -> str:
    """Ask for the download; once more where its answer was lost, be it by a crash or on the way."""
    asked = int(noted.get("asked", 0))
    if noted.get("lost") or asked >= MOST_REQUESTS:
        raise _unclear(asked)
    cause = ""
    for number in range(asked + 1, max(asked + 1, 2) + 1):
        if number > 1 and not ctx.settings.repeat_unclear_downloads:
            raise UnclearError(f"iStock may have charged a download whose answer was lost{cause}")
        try:
            return _noted_and_asked(ctx, source, checkpoint, number)
        except UnclearError as error:
            cause = f": {error}"
            checkpoint.put(licence={"asked": number, "lost": number > 1})
            ctx.state.put(_DOUBT, True)
    raise _unclear(max(asked + 1, 2), cause)


def _unclear(asked: int, cause: str = "") -> UnclearError:
    message = f"iStock gave no clear answer to a download {asked} times; all may have been charged{cause}"
    return UnclearError(message)


def _check_istock(ctx: Context) -> None:
    """After an unclear answer, ask for something free before anything is paid for.

    So an outage makes one asset unclear, and not every asset of the run.

    Raises:
        TransientError: iStock does not answer.
    """
    if ctx.state.get(_DOUBT):
        api.products(ctx.http)
        ctx.state.put(_DOUBT, False)


def _noted_and_asked(ctx: Context, source: SourceAsset, checkpoint: Checkpoint, asked: int) -> str:
    """One request, written down before it leaves; written off where iStock refuses it in its own words."""
    settings: IStockSettings = ctx.settings
    _check_istock(ctx)
    _count(ctx, settings)
    checkpoint.put(licence={"asked": asked}, **({"notice": NOTICE} if asked > 1 else {}))
    try:
        return _ask(ctx, source, settings)
    except (TransientError, AuthError, AssetRejectedError, NotYet):
        checkpoint.put(licence={"asked": asked - 1} if asked > 1 else None)
        raise


def _ask(ctx: Context, source: SourceAsset, settings: IStockSettings) -> str:
    kind = source.raw["kind"]
    first, *others = choices(source.raw, settings.download_size)
    try:
        return _download(ctx, kind, source.source_id, settings, first)
    except AssetRejectedError as error:
        if error.status != 400 or not others:
            raise _rejected(error) from error
    try:
        return _download(ctx, kind, source.source_id, settings, others[0])
    except AssetRejectedError as error:
        raise _rejected(error) from error


def _download(ctx: Context, kind: str, asset_id: str, settings: IStockSettings, choice: Choice) -> str:
    try:
        return api.download(ctx.http, kind, asset_id, settings, **choice.query)
    except AuthError as error:
        if isinstance(error, UserTokenError) or error.status != 403:
            raise
        raise _refused(ctx, settings, error) from error


def _refused(ctx: Context, settings: IStockSettings, error: AuthError) -> Exception:
    """Return the error of a download's 403: the allowance is used up, or the asset is not permitted."""
    if "overage" in error.body.lower() or "limit" in error.body.lower():
        pause = _until_renewed(ctx, settings)
        return NotYet("iStock's allowance is used up", pause.total_seconds())
    return AssetRejectedError(f"iStock does not let this account download it: {error.body}", status=403)


def _until_renewed(ctx: Context, settings: IStockSettings) -> timedelta:
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


def _rejected(error: AssetRejectedError) -> AssetRejectedError:
    if error.status == 404:
        return AssetRejectedError("iStock no longer offers it", status=404)
    if error.status == 400:
        hint = "the account may ask for project_code or download_notes: set them, then retry"
        return AssetRejectedError(f"iStock refused the download: {error.body}", hint=hint, status=400)
    return error


def reset_cap(ctx: Context) -> None:
    """Begin to count the downloads of a run."""
    ctx.state.put(_CAP, 0)


def _count(ctx: Context, settings: IStockSettings) -> None:
    """Count one download against this run's cap.

    Raises:
        NotYet: the cap is reached.
    """
    if settings.max_downloads_per_run is None:
        return
    count = int(ctx.state.get(_CAP, 0))
    if count >= settings.max_downloads_per_run:
        raise NotYet(f"this run's cap of {settings.max_downloads_per_run} downloads is reached")
    ctx.state.put(_CAP, count + 1)


def notice(checkpoint: Checkpoint) -> str:
    """What a person should know of this asset's downloads."""
    return str(checkpoint.get("notice") or "")
