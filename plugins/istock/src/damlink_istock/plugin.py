"""iStock: licensed images, vectors and videos into a Bynder portal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from damlink import (
    About,
    Checkpoint,
    Content,
    Context,
    Cursor,
    Estimate,
    OAuth2,
    PreparedAsset,
    PushResult,
    Response,
    Skip,
    SourceAsset,
    hookimpl,
)
from damlink.errors import ConnectorError
from damlink_istock import auth, checks, deliver, licence, listing
from damlink_istock.settings import IStockSettings
from damlink_istock.transform import TAG, media_type, prepare, source_asset

settings_class = IStockSettings

VIDEOS: Final = "videos are not included"

about = About(
    title="iStock",
    summary="Licensed iStock images, vectors and videos into a Bynder portal.",
    every="2h",
    permissions=("Upload and publish media", "Upload media for approval (for the waiting room)"),
    once_per_portal=True,
    adopt_tag=TAG,
)


@hookimpl
def authenticate(ctx: Context) -> OAuth2:
    """Sign with the API key and a user's token."""
    licence.reset_cap(ctx)
    return auth.create_auth(ctx.settings)


def classify(response: Response) -> ConnectorError | None:
    """Return the error of a refusal that iStock's words explain better than its status."""
    return auth.classify(response)


def estimate(ctx: Context, source: SourceAsset) -> Estimate:
    """Count the download that iStock may charge; the size of the file is known only from its answer."""
    if source.raw["kind"] == "video" and not ctx.settings.include_videos:
        return Estimate(skip=VIDEOS)
    return Estimate(spends={f"iStock downloads ({ctx.settings.license_model})": 1})


@hookimpl
def list_source_assets(ctx: Context, since: str | None) -> Iterator[SourceAsset | Cursor]:
    """List the licensed assets, oldest first, window by window."""
    checks.verify(ctx)
    for window, licensed in listing.walk(ctx, since):
        yield from map(source_asset, licensed)
        # A clock that is ahead must not lead past licences that no later list would contain.
        yield Cursor(min(window.end, ctx.http.remote_now()).isoformat())


@hookimpl
def transform(ctx: Context, source: SourceAsset, checkpoint: Checkpoint) -> PreparedAsset | Skip:
    """Download the asset once, and prepare its metadata."""
    if source.raw["kind"] == "video" and not ctx.settings.include_videos:
        return Skip(VIDEOS)
    uri = licence.file_uri(ctx, source, checkpoint)
    return prepare(source, Content.from_url(ctx.http, uri, media_type=media_type(source)))


@hookimpl
def push(ctx: Context, prepared: PreparedAsset, checkpoint: Checkpoint) -> PushResult:
    """Upload the asset to the asset bank or the waiting room."""
    return deliver.deliver(ctx, prepared, checkpoint)
