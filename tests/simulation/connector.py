"""The plugin of the simulation: a partner's list into the portal; a changed asset becomes a version."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from damlink import (
    About,
    Checkpoint,
    Content,
    Context,
    Cursor,
    PreparedAsset,
    PushResult,
    SourceAsset,
    hookimpl,
    setting,
)

__all__ = ["about", "settings_class"]


@attrs.frozen
class Settings:
    """Settings of the simulation's plugin."""

    api_url: str = setting(help="The address of the partner.")
    marks: bool = setting(default=True, help="Whether an asset has its id as a tag.")
    changes: bool = setting(default=False, help="Whether the partner lists each change once.")


settings_class = Settings
about = About(title="Simulation", summary="A partner's list into the portal.", once_per_portal=True)


@hookimpl
def list_source_assets(ctx: Context, since: str | None) -> Iterator[SourceAsset | Cursor]:
    """Yield the assets of the partner page by page, from where the last listing was broken off."""
    start, path = int(since or 0), "/changes" if ctx.settings.changes else "/list"
    while page := ctx.http.get(path, params={"after": start}).json():
        for each in page:
            yield SourceAsset(each["id"], f"v{each['version']}", each["id"], {"version": each["version"]})
        start += len(page)
        yield Cursor(str(start))
    if not ctx.settings.changes:
        # The next one begins anew, since any asset may have changed.
        yield Cursor("0")


@hookimpl
def transform(ctx: Context, source: SourceAsset) -> PreparedAsset:
    """Return the file as it was when it was listed."""
    url = f"{ctx.settings.api_url}/file/{source.source_id}-v{source.raw['version']}"
    content = Content.from_url(ctx.http, url, f"{source.source_id}.jpg")
    tags = (source.source_id,) if ctx.settings.marks else ()
    return PreparedAsset(content, source.source_id, tags=tags)


@hookimpl
def push(
    ctx: Context, prepared: PreparedAsset, previous: PushResult | None, checkpoint: Checkpoint
) -> PushResult:
    """Upload it as a new asset, or as a version of what was pushed before."""
    version_of = previous.target_id if previous else None
    return ctx.bynder.upload(prepared, checkpoint, version_of=version_of)
