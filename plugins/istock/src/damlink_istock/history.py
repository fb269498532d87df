"""What has been licensed, oldest first, in closed windows that overlap."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Final

import attrs

from damlink import AuthError, Context
from damlink_istock import api
from damlink_istock.settings import IStockSettings

__all__ = ["Licensed", "Window", "walk", "windows"]

WINDOW: Final = timedelta(days=29)  # 30 days is the most that is known to be accepted
OVERLAP: Final = timedelta(days=1)  # downloads may be listed late, or slip while pages are turned
FLOOR: Final = timedelta(days=3653)  # ten years: there is no "from the beginning" (assumed to be enough)


@attrs.frozen
class Window:
    """A closed stretch of time; both ends count."""

    begin: datetime
    end: datetime


@attrs.frozen
class Licensed:
    """An asset that was licensed, with what iStock says of it, if it still knows it."""

    row: api.DownloadRow
    metadata: api.Metadata | None


def windows(sync_after: datetime | None, since: str | None, now: datetime) -> Iterator[Window]:
    """Yield the windows still to be walked, oldest first, up to now.

    Args:
        since: the end of the last one walked, ISO 8601.
    """
    begin = datetime.fromisoformat(since) - OVERLAP if since else now - FLOOR
    if sync_after:
        begin = max(begin, sync_after) if since else sync_after
    while True:
        end = min(begin + WINDOW, now)
        if end > begin:
            yield Window(begin, end)
        if end >= now:
            return
        begin = end - OVERLAP


def walk(ctx: Context, since: str | None) -> Iterator[tuple[Window, Iterator[Licensed]]]:
    """Yield each window with what was licensed in it, each asset once."""
    settings: IStockSettings = ctx.settings
    day = settings.sync_after
    first = datetime.combine(day, time(), UTC) if day else None
    for window in windows(first, since, ctx.now()):
        yield window, _licensed(ctx, settings, window, first)


def _licensed(
    ctx: Context, settings: IStockSettings, window: Window, first: datetime | None
) -> Iterator[Licensed]:
    met: set[str] = set()
    for page in _pages(ctx, settings, window):
        rows = {str(row.id): row for row in page if not first or row.moment >= first}
        fresh = {key: row for key, row in rows.items() if key not in met}
        met |= fresh.keys()
        yield from _described(ctx, settings, fresh)


def _described(
    ctx: Context, settings: IStockSettings, rows: dict[str, api.DownloadRow]
) -> Iterator[Licensed]:
    kinds = ("image", "video") if settings.include_videos else ("image",)
    for kind in kinds:
        ids = [key for key, row in rows.items() if row.kind == kind]
        known = api.metadata(ctx.http, kind, ids)
        for key in ids:
            yield Licensed(rows[key], known.get(key))


def _pages(ctx: Context, settings: IStockSettings, window: Window) -> Iterator[list[api.DownloadRow]]:
    company = settings.sync_organization_assets
    try:
        yield from api.downloads(ctx.http, settings, window.begin, window.end, company=company)
    except AuthError as error:
        if company and error.status == 403 and _works_alone(ctx, settings, window):
            raise AuthError(
                "this iStock account may not see the organisation's assets",
                hint="have iStock give it that right, or set sync_organization_assets = false",
                status=error.status,
            ) from error
        raise


def _works_alone(ctx: Context, settings: IStockSettings, window: Window) -> bool:
    """Whether the same call is let in without the organisation's assets."""
    try:
        next(api.downloads(ctx.http, settings, window.begin, window.end, company=False), None)
    except AuthError:
        return False
    return True
