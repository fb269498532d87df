"""Gelato: tagged Bynder assets into a Gelato library, with a link back."""

from __future__ import annotations

from collections.abc import Iterator

from damlink import (
    About,
    Checkpoint,
    Context,
    Event,
    Finding,
    HeaderAuth,
    PushResult,
    Removed,
    SourceAsset,
    hookimpl,
)
from damlink.bynder import Asset
from damlink_gelato import auth, backlink, checks, deliver, listing
from damlink_gelato.settings import GelatoSettings
from damlink_gelato.transform import File

settings_class = GelatoSettings

about = About(
    title="Gelato",
    summary="Tagged Bynder assets into a Gelato library, with a link back.",
    every="6h",
    permissions=tuple(f"{right.name} ({right.purpose})" for right in checks.RIGHTS),
    uploads=False,
    exclusive={"backlink_metaproperty": "backlink"},
)


@hookimpl
def authenticate(ctx: Context) -> HeaderAuth:
    """Sign with the account's key."""
    return auth.create_auth(ctx.settings)


@hookimpl
def list_source_assets(ctx: Context) -> Iterator[SourceAsset]:
    """List every asset with the tag, without a cursor: an old asset may get the tag at any time."""
    if ctx.settings.backlink:
        backlink.verify(ctx)
    return listing.list_tagged(ctx)


@hookimpl
def on_event(ctx: Context, event: Event) -> Iterator[SourceAsset]:
    """Yield the asset if it has the tag, whatever the event."""
    return listing.select(ctx, Asset.read(event.asset)) if event.asset else iter(())


@hookimpl
def transform(ctx: Context, source: SourceAsset) -> File | Removed:
    """Read the asset again, and prepare its active original."""
    return listing.prepare(ctx, source)


@hookimpl
def push(
    ctx: Context,
    prepared: File | Removed,
    source: SourceAsset,
    previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult | Removed:
    """Import the file into Gelato, and write the link back. Gelato keeps the file of a deleted asset."""
    if isinstance(prepared, Removed):
        return previous or prepared
    return deliver.deliver(ctx, prepared, source, checkpoint)


def check(ctx: Context) -> Iterator[Finding]:
    """Check the rights in the portal and Gelato's key."""
    return checks.findings(ctx)
