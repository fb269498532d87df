"""Delivery of a marked file into Bynder, in one of three ways. The hashes of both files are written last."""

from __future__ import annotations

from typing import Final

import attrs

from damlink import Checkpoint, Context, PreparedAsset, PushResult, SourceAsset
from damlink.bynder import Asset
from damlink_imatag import hash_property, loop_guard
from damlink_imatag.listing import fingerprint
from damlink_imatag.media_info import Facts
from damlink_imatag.notes import DELIVERY, facts_of
from damlink_imatag.transform import check_current

__all__ = ["deliver"]

MANIFEST_LOST: Final = "the original carries Content Credentials (C2PA); the mark makes them invalid"


def deliver(
    ctx: Context,
    prepared: PreparedAsset,
    source: SourceAsset,
    previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult:
    """Upload the marked file as the settings say. Safe to repeat with the same checkpoint."""
    original, marked = _read_facts(checkpoint)
    way = ctx.settings.deliver_as
    result = _WAYS[way](ctx, prepared, source, previous, checkpoint)
    hash_property.write(ctx, source.source_id, original.sha256, marked.sha256)
    detail = {"deliver_as": way, "source_sha256": original.sha256, "marked_sha256": marked.sha256}
    return attrs.evolve(
        result,
        notice=MANIFEST_LOST if original.has_manifest else "",
        detail=detail | {"imatag_id": checkpoint.get("media")["id"]},
    )


def _read_facts(checkpoint: Checkpoint) -> tuple[Facts, Facts]:
    """Return the noted facts of the original and of the marked file."""
    original, marked = facts_of(checkpoint, "source"), facts_of(checkpoint, "marked")
    if original is None or marked is None:
        raise LookupError("the checkpoint has no facts of the marked file")
    return original, marked


def _new_version(
    ctx: Context,
    prepared: PreparedAsset,
    source: SourceAsset,
    _previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult:
    """Upload a new version of the original that was marked, and never over another version."""
    before = ctx.bynder.assets.get(source.source_id, versions=True)
    check_current(ctx, before, checkpoint)
    result = ctx.bynder.upload(prepared, checkpoint.scope(DELIVERY), version_of=source.source_id)
    after = ctx.bynder.assets.get(source.source_id, versions=True)
    return attrs.evolve(result, fingerprint_after=_own_fingerprint(after, checkpoint))


def _own_fingerprint(asset: Asset, checkpoint: Checkpoint) -> str:
    """Return the fingerprint of the asset with our version: the first later version of the same size."""
    _, marked = _read_facts(checkpoint)
    number = str(checkpoint.get("original")).partition("-")[0].removeprefix("v")
    # Some portals do not number versions.
    if not number.isdigit():
        return fingerprint(asset)
    later = sorted(
        item.version for item in asset.items if item.type == "original" and item.size == marked.size
    )
    version = next((each for each in later if each > int(number)), int(number) + 1)
    return f"v{version}-{marked.size}"


def _new_asset(
    ctx: Context,
    prepared: PreparedAsset,
    source: SourceAsset,
    previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult:
    """Upload a new asset; if an earlier run has made it, a new version of that asset."""
    part = checkpoint.scope(DELIVERY)
    copy = _existing_copy(ctx, previous)
    brand = None if copy else _brand(ctx, source)
    result = ctx.bynder.upload(prepared, part, brand=brand, version_of=copy, marker=source.source_id)
    loop_guard.note_copy(ctx, result.target_id, _fingerprint_of(ctx, result.target_id))
    return result


def _existing_copy(ctx: Context, previous: PushResult | None) -> str | None:
    if previous is None or previous.detail.get("deliver_as") != "new-asset":
        return None
    return previous.target_id if _fingerprint_of(ctx, previous.target_id) else None


def _fingerprint_of(ctx: Context, asset_id: str) -> str:
    """Return the present fingerprint of an asset; empty if the portal does not show the asset."""
    asset = ctx.bynder.assets.find(asset_id, versions=True)
    return fingerprint(asset) if asset else ""


def _brand(ctx: Context, source: SourceAsset) -> str | None:
    """Return the brand of the original; `None` if the portal no longer shows the brand."""
    brand = ctx.bynder.assets.get(source.source_id).brand_id
    return brand if any(each.id == brand for each in ctx.bynder.brands.list()) else None


def _additional_file(
    ctx: Context,
    prepared: PreparedAsset,
    source: SourceAsset,
    _previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult:
    """Upload an additional file beside the original."""
    return ctx.bynder.upload(prepared, checkpoint.scope(DELIVERY), additional_to=source.source_id)


_WAYS: Final = {"new-version": _new_version, "new-asset": _new_asset, "additional": _additional_file}
