"""A plugin that lives from events alone: each version of an asset goes to a partner once."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from damlink import (
    Content,
    Context,
    Event,
    PreparedAsset,
    PushResult,
    SourceAsset,
    TransientError,
    hookimpl,
    setting,
)
from damlink.bynder import Asset

__all__ = ["settings_class"]


@attrs.frozen
class Settings:
    """Settings of the plugin."""

    api_url: str = setting(help="The address of the partner.")


settings_class = Settings


@hookimpl
def on_event(ctx: Context, event: Event) -> Iterator[SourceAsset]:
    """Yield the asset with its active version."""
    if event.asset is not None:
        asset = Asset.read(event.asset)
        version = (ctx.bynder.assets.get(asset.id, versions=True)).active_version
        yield SourceAsset(asset.id, f"v{version}", asset.name, {"version": version})


@hookimpl
def transform(source: SourceAsset) -> PreparedAsset:
    """Return a file, which the partner does not need."""
    return PreparedAsset(Content.from_bytes(b"x", "asset.jpg"), source.title)


@hookimpl
def push(ctx: Context, source: SourceAsset) -> PushResult:
    """Name the version to the partner; safe to repeat."""
    answer = ctx.http.put(f"/asset/{source.source_id}/{source.raw['version']}")
    try:
        return PushResult(answer.json()["id"])
    except (ValueError, KeyError, TypeError) as error:
        raise TransientError(f"the partner's answer cannot be read: {error!r}") from error
