"""Licensed assets, oldest first, in closed windows of time that overlap."""

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

# iStock is known to accept windows of up to 30 days.
WINDOW: Final = timedelta(days=29)
# A download may appear in the list late, or move while its pages are read.
OVERLAP: Final = timedelta(days=1)
# The API has no "from the beginning": ten years are assumed to be enough.
FLOOR: Final = timedelta(days=3653)
FORBIDDEN: Final = 403


@attrs.frozen
class Window:
    """Closed interval of time; both ends belong to it."""

    begin: datetime
    end: datetime


@attrs.frozen
class Licensed:
    """Licensed asset, with its metadata if iStock still has it."""

    row: api.DownloadRow
    metadata: api.Metadata | None


def windows(sync_after: datetime | None, since: str | None, now: datetime) -> Iterator[Window]:
    """Yield the windows that are not listed yet, oldest first, up to now.

    Args:
        since: the end of the last listed window, ISO 8601.
    """
    begin = min(datetime.fromisoformat(since), now) - OVERLAP if since else now - FLOOR
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
    """Yield each window with the assets licensed in it, each asset once."""
    settings: IStockSettings = ctx.settings
    day = settings.sync_after
    first = datetime.combine(day, time(), UTC) if day else None
    for window in windows(first, since, ctx.now()):
        yield window, _walk_window(ctx, settings, window, first)


def _walk_window(
    ctx: Context, settings: IStockSettings, window: Window, first: datetime | None
) -> Iterator[Licensed]:
    """Yield the assets of one window, each once, in the largest size in which it was licensed."""
    largest: dict[str, api.DownloadRow] = {}
    for row in itertools.chain.from_iterable(_pages(ctx, settings, window)):
        key = row.id
        if (not first or row.moment >= first) and (key not in largest or row.height > largest[key].height):
            largest[key] = row
    oldest_first = sorted(largest.values(), key=lambda row: row.moment)
    for begin in range(0, len(oldest_first), api.PAGE):
        yield from _add_metadata(ctx, settings, oldest_first[begin : begin + api.PAGE])


def _add_metadata(
    ctx: Context, settings: IStockSettings, rows: Sequence[api.DownloadRow]
) -> Iterator[Licensed]:
    """Yield the rows with their metadata, without videos if the settings exclude them."""
    kinds = ("image", "video") if settings.include_videos else ("image",)
    known = {kind: api.metadata(ctx.http, kind, _ids(rows, kind)) for kind in kinds}
    for row in rows:
        if row.kind in known:
            yield Licensed(row, known[row.kind].get(row.id))


def _ids(rows: Iterable[api.DownloadRow], kind: str) -> list[str]:
    return [row.id for row in rows if row.kind == kind]


def _pages(ctx: Context, settings: IStockSettings, window: Window) -> Iterator[list[api.DownloadRow]]:
    """Yield the pages of one window; explain a missing right to the organisation's assets."""
    company = settings.sync_organization_assets
    try:
        yield from api.downloads(ctx.http, settings, window.begin, window.end, company=company)
    except AuthError as error:
        if company and error.status == FORBIDDEN and _works_alone(ctx, settings, window):
            raise AuthError(
                "this iStock account may not see the organisation's assets",
                hint="have iStock give it that right, or set sync_organization_assets = false",
                status=error.status,
            ) from error
        raise


def _works_alone(ctx: Context, settings: IStockSettings, window: Window) -> bool:
    """Return whether iStock permits the same call without the organisation's assets."""
    try:
        next(api.downloads(ctx.http, settings, window.begin, window.end, company=False), None)
    except AuthError:
        return False
    return True
