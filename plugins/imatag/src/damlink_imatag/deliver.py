"""A marked file goes into Bynder, in one of three ways; the hashes of both are written last."""

from __future__ import annotations

from typing import Final

import attrs

from damlink import Checkpoint, Context, PreparedAsset, PushResult, SourceAsset
from damlink.bynder import Asset
from damlink.errors import BynderError
from damlink_imatag import hash_property, loop_guard
from damlink_imatag.listing import fingerprint
from damlink_imatag.media_info import Facts
from damlink_imatag.notes import DELIVERY, facts_of
from damlink_imatag.transform import check_current

__all__ = ["deliver"]

MANIFEST_LOST: Final = "the original carries Content Credentials (C2PA); the mark makes them invalid"
NOT_FOUND: Final = 404


def deliver(
    ctx: Context,
    prepared: PreparedAsset,
    source: SourceAsset,
    previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult:
    """Bring it into Bynder as the settings say. Safe to repeat with the same checkpoint."""
    original, marked = _both(checkpoint)
    way = ctx.settings.deliver_as
    result = _WAYS[way](ctx, prepared, source, previous, checkpoint)
    hash_property.write(ctx, source.source_id, original.sha256, marked.sha256)
    detail = {"deliver_as": way, "source_sha256": original.sha256, "marked_sha256": marked.sha256}
    return attrs.evolve(
        result,
        notice=MANIFEST_LOST if original.has_manifest else "",
        detail=detail | {"imatag_id": checkpoint.get("media")["id"]},
    )


def _both(checkpoint: Checkpoint) -> tuple[Facts, Facts]:
    original, marked = facts_of(checkpoint, "source"), facts_of(checkpoint, "marked")
    if original is None or marked is None:
        raise LookupError("a marked file is delivered before it was noted")
    return original, marked


def _new_version(
    ctx: Context,
    prepared: PreparedAsset,
    source: SourceAsset,
    _previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult:
    """Over the very original that was marked; nobody else's version is buried."""
    before = ctx.bynder.assets.get(source.source_id, versions=True)
    check_current(ctx, before, checkpoint)
    result = ctx.bynder.upload(prepared, checkpoint.scope(DELIVERY), version_of=source.source_id)
    after = ctx.bynder.assets.get(source.source_id, versions=True)
    return attrs.evolve(result, fingerprint_after=_own(after, checkpoint))


def _own(asset: Asset, checkpoint: Checkpoint) -> str:
    """What the asset shows with our version: of those behind the original, the first that is as long."""
    _, marked = _both(checkpoint)
    number = str(checkpoint.get("original")).partition("-")[0].removeprefix("v")
    if not number.isdigit():  # a portal that numbers no versions
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
    """An asset of its own; where there is one already, a new version of that."""
    part = checkpoint.scope(DELIVERY)
    copy = _existing_copy(ctx, previous)
    brand = None if copy else _brand(ctx, source)
    result = ctx.bynder.upload(prepared, part, brand=brand, version_of=copy, marker=source.source_id)
    loop_guard.note_copy(ctx, result.target_id, _shown(ctx, result.target_id))
    return result


def _existing_copy(ctx: Context, previous: PushResult | None) -> str | None:
    if previous is None or previous.detail.get("deliver_as") != "new-asset":
        return None
    return previous.target_id if _shown(ctx, previous.target_id) else None


def _shown(ctx: Context, asset_id: str) -> str:
    """The fingerprint of an asset now; empty where it is not there."""
    try:
        return fingerprint(ctx.bynder.assets.get(asset_id, versions=True))
    except BynderError as error:
        if error.status != NOT_FOUND:
            raise
        return ""


def _brand(ctx: Context, source: SourceAsset) -> str | None:
    """The brand of the original, where the portal still shows it."""
    brand = ctx.bynder.assets.get(source.source_id).brand_id
    return brand if any(each.id == brand for each in ctx.bynder.brands.list()) else None


def _additional(
    ctx: Context,
    prepared: PreparedAsset,
    source: SourceAsset,
    _previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult:
    """A file beside the original."""
    return ctx.bynder.upload(prepared, checkpoint.scope(DELIVERY), additional_to=source.source_id)


_WAYS: Final = {"new-version": _new_version, "new-asset": _new_asset, "additional": _additional}
