"""What has been licensed, oldest first, in closed windows that overlap."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
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
    """The assets of one window: whoever licensed one how often, it comes once, in its largest size."""
    largest: dict[str, api.DownloadRow] = {}
    for row in itertools.chain.from_iterable(_pages(ctx, settings, window)):
        key = str(row.id)
        if (not first or row.moment >= first) and (key not in largest or row.height > largest[key].height):
            largest[key] = row
    oldest_first = sorted(largest.values(), key=lambda row: row.moment)
    for begin in range(0, len(oldest_first), api.PAGE):
        yield from _described(ctx, settings, oldest_first[begin : begin + api.PAGE])


def _described(ctx: Context, settings: IStockSettings, rows: Sequence[api.DownloadRow]) -> Iterator[Licensed]:
    kinds = ("image", "video") if settings.include_videos else ("image",)
    known = {kind: api.metadata(ctx.http, kind, _ids(rows, kind)) for kind in kinds}
    for row in rows:
        if row.kind in known:
            yield Licensed(row, known[row.kind].get(str(row.id)))


def _ids(rows: Iterable[api.DownloadRow], kind: str) -> list[str]:
    return [str(row.id) for row in rows if row.kind == kind]


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
