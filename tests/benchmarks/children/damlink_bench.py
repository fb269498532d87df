"""A source for `damlink run`: files in a folder, or behind an address, or rows without a file."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from damlink import (
    Checkpoint,
    Content,
    Context,
    Cursor,
    PreparedAsset,
    PushResult,
    Skip,
    SourceAsset,
    hookimpl,
    setting,
)

PAGE = 1000


@attrs.frozen
class BenchSettings:
    count: int = setting(help="How many assets are listed.")
    prefix: str = setting(default="", help="File names begin with it; empty: there are no files.")
    folder: str = setting(default="", help="Where the files are.")
    api_url: str = setting(default="", help="Where the files are served.")


settings_class = BenchSettings


@hookimpl
def list_source_assets(ctx: Context) -> Iterator[SourceAsset | Cursor]:
    for number in range(ctx.settings.count):
        raw = {"file": f"{ctx.settings.prefix}-{number}.bin", "width": 6000, "height": 4000}
        yield SourceAsset(f"asset-{number}", "1", f"Asset {number}", raw)
        if number % PAGE == PAGE - 1:
            yield Cursor(str(number))


@hookimpl
def transform(ctx: Context, source: SourceAsset) -> PreparedAsset | Skip:
    settings, file = ctx.settings, source.raw["file"]
    if not settings.prefix:
        return Skip("it has no file")
    if settings.api_url:
        content = Content.from_url(ctx.http, f"/{file}", file)
    else:
        content = Content.from_path(f"{settings.folder}/{file}")
    return PreparedAsset(content, name=source.title, tags=(source.source_id,))


@hookimpl
def push(ctx: Context, prepared: PreparedAsset, checkpoint: Checkpoint) -> PushResult:
    return ctx.bynder.upload(prepared, checkpoint)
