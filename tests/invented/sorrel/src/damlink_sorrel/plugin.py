"""Sorrel's hooks: slides for tagged assets, as soon as an event says so."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from damlink import (
    About,
    Checkpoint,
    ContentFile,
    Context,
    Event,
    HeaderAuth,
    NotedDelivery,
    PreparedAsset,
    PushResult,
    Removed,
    Response,
    Secret,
    SourceAsset,
    hookimpl,
    read_as,
    setting,
)
from damlink.bynder import Asset


@attrs.frozen
class SorrelSettings:
    """One Sorrel account."""

    api_key: Secret = setting(help="The key of the Sorrel account.")
    tag: str = setting(default="Sorrel", selects=True, help="Assets with this tag are shown.")
    api_url: str = setting(default="https://api.sorrel.example", help="Where Sorrel's API answers.")


@attrs.frozen
class Slide:
    """A slide at Sorrel."""

    id: str


settings_class = SorrelSettings
LAG_SECONDS = 2.0  # until a slide is found by its reference
about = About(title="Sorrel", summary="Tagged assets onto screens.", every="6h", uploads=False)


@hookimpl
def authenticate(ctx: Context) -> HeaderAuth:
    """Sign with the key."""
    return HeaderAuth({"Sorrel-Key": ctx.settings.api_key})


@hookimpl
def list_source_assets(ctx: Context) -> Iterator[SourceAsset]:
    """List every tagged asset, without a cursor: an old one may get the tag at any time."""
    for asset in ctx.bynder.assets.list(tags=[ctx.settings.tag], include_version_number=True):
        yield _due(ctx, asset)


@hookimpl
def on_event(ctx: Context, event: Event) -> Iterator[SourceAsset | Removed]:
    """Yield the asset as it is now: to be shown, or to be taken off."""
    asset = Asset.read(event.asset) if event.asset else None
    yield _due(ctx, asset) if _is_shown(ctx, asset) else Removed(event.asset_id, "no longer tagged")


@hookimpl
def transform(ctx: Context, source: SourceAsset) -> PreparedAsset | Removed:
    """Prepare the file of an asset that still has the tag."""
    asset = ctx.bynder.assets.find(source.source_id, versions=True)
    if asset is None or not _is_shown(ctx, asset):
        return Removed(source.source_id, "no longer tagged")
    filename = asset.filename or f"{asset.name}.{asset.extension}"
    return PreparedAsset(ctx.bynder.assets.content(asset.id, filename=filename), name=asset.name)


@hookimpl
def push(
    ctx: Context,
    prepared: PreparedAsset | Removed,
    source: SourceAsset,
    previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult | Removed:
    """Show a slide once, or take it off. Sorrel looks slides up by our reference."""

    def find(reference: str) -> str | None:
        slides = read_as(ctx.http.get("/slides", params={"reference": reference}), list[Slide])
        return slides[0].id if slides else None

    def delete(slide: str) -> None:
        ctx.http.delete(f"/slides/{slide}")

    delivery = NotedDelivery(ctx.http, checkpoint, find, delete, LAG_SECONDS)
    if isinstance(prepared, Removed):
        delivery.discard(previous=previous)
        return prepared
    reference = f"{source.source_id} {source.fingerprint}"
    file = (prepared.content.filename, ContentFile(prepared.content), prepared.content.media_type)

    def send() -> str:
        data, files = {"reference": reference, "title": prepared.name}, {"file": file}
        return ctx.http.send_once("POST", "/slides", data=data, files=files, read=_read_slide).id

    return PushResult(delivery.deliver(reference, send, previous=previous))


def _read_slide(answer: Response) -> Slide:
    return read_as(answer, Slide)


def _is_shown(ctx: Context, asset: Asset | None) -> bool:
    return asset is not None and ctx.settings.tag in asset.tags and not asset.is_archived


def _due(ctx: Context, asset: Asset) -> SourceAsset:
    known = asset if asset.active_version else ctx.bynder.assets.find(asset.id, versions=True) or asset
    return SourceAsset(asset.id, f"version {known.active_version}", asset.name)
