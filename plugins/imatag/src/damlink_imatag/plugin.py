"""Imatag: media of a Bynder portal, invisibly watermarked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from damlink import (
    About,
    Auth,
    Checkpoint,
    Context,
    Cursor,
    Estimate,
    Event,
    Finding,
    PreparedAsset,
    PushResult,
    Removed,
    Skip,
    SourceAsset,
    hookimpl,
)
from damlink_imatag import auth, checks, deliver, listing
from damlink_imatag.settings import ImatagSettings
from damlink_imatag.transform import is_current, prepare

settings_class = ImatagSettings

about = About(
    title="Imatag",
    summary="Media of a Bynder portal out to Imatag to be invisibly watermarked, and back.",
    every="1h",
    permissions=(
        "Download originals",
        "Upload and publish media",
        "Edit media",
        "Manage metaproperties (to make the one for the hash)",
    ),
    once_per_portal=True,
)


@hookimpl
def authenticate(ctx: Context) -> Auth:
    """Sign with the API key, or a token of the OAuth application."""
    return auth.create_auth(ctx.settings)


def check(ctx: Context) -> Iterator[Finding]:
    """Check the directory, the filters, the rights and the metaproperty."""
    return checks.findings(ctx)


def estimate(ctx: Context, source: SourceAsset) -> Estimate:  # noqa: ARG001 - the contract's argument
    """Count the mark, and take the size of the original for that of the marked file."""
    return Estimate(size=source.raw.get("size"), spends={"Imatag marks": 1})


@hookimpl
def list_source_assets(ctx: Context, since: str | None) -> Iterator[SourceAsset | Cursor]:
    """List the assets that the filters select, after all prerequisites are verified."""
    checks.verify(ctx)
    yield from listing.walk(ctx, since)


@hookimpl
def on_event(ctx: Context, event: Event) -> Iterator[SourceAsset]:
    """Yield the asset of the event, if the filters select it."""
    return listing.of_event(ctx, event)


@hookimpl
def transform(
    ctx: Context, source: SourceAsset, previous: PushResult | None, checkpoint: Checkpoint
) -> PreparedAsset | Removed | Skip:
    """Have the original marked once, and verify the marked file."""
    return prepare(ctx, source, previous, checkpoint)


@hookimpl
def push(
    ctx: Context,
    prepared: PreparedAsset | Removed,
    source: SourceAsset,
    previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult | Removed:
    """Deliver the marked file into Bynder; mark again first if another original has come meanwhile.

    A marked copy stays in the portal when its original was deleted.
    """
    if isinstance(prepared, Removed):
        return previous or prepared
    if is_current(prepared, checkpoint):
        return deliver.deliver(ctx, prepared, source, previous, checkpoint)
    again = prepare(ctx, source, previous, checkpoint)
    if isinstance(again, Skip | Removed):
        return PushResult(source.source_id, notice=again.reason)
    with contextlib.closing(again.content):
        return deliver.deliver(ctx, again, source, previous, checkpoint)
