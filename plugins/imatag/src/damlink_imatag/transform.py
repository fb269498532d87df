"""One marked file from one original: search for it, send it once, wait for the mark, verify the result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from damlink import (
    AssetRejectedError,
    Checkpoint,
    Content,
    Context,
    NotYet,
    PreparedAsset,
    PushResult,
    Removed,
    Skip,
    SourceAsset,
)
from damlink.bynder import Asset, download_roles, reject_undownloadable
from damlink_imatag import api, hash_property, loop_guard, poll, send, verify_marked
from damlink_imatag.content import MarkedContent
from damlink_imatag.listing import fingerprint
from damlink_imatag.media_info import Facts, MeasuredSpool, measure_content
from damlink_imatag.notes import DELIVERY, facts_of, forget, put_facts

__all__ = ["check_current", "filename_of", "is_current", "prepare"]

STARTING_OVER: Final = "another version was uploaded to Bynder meanwhile; the transfer begins again with it"
START_OVER_SECONDS: Final = 1.0


def prepare(
    ctx: Context, source: SourceAsset, previous: PushResult | None, checkpoint: Checkpoint
) -> PreparedAsset | Removed | Skip:
    """Return the marked file of an asset's present original, ready for delivery.

    Raises:
        NotYet: Imatag is not finished, or it is not clear yet whether the original was sent.
        AssetRejectedError: Imatag refuses or cannot mark the original, or the marked file is wrong.
    """
    if checkpoint.get("media"):
        poll.await_ready(ctx, str(source.raw.get("type", "")), checkpoint)
    asset = ctx.bynder.assets.find(source.source_id, versions=True)
    if asset is None:
        return Removed(source.source_id, "it is no longer in the portal")
    if not checkpoint.get("media"):
        if reason := _begin(ctx, asset, previous, checkpoint):
            return Skip(reason)
        poll.await_ready(ctx, asset.type, checkpoint)
    check_current(ctx, asset, checkpoint)
    return _prepare_asset(ctx, asset, _verify(ctx, asset, checkpoint))


# --- send once -------------------------------------------------------------------------------------


def _begin(ctx: Context, asset: Asset, previous: PushResult | None, checkpoint: Checkpoint) -> str:
    """Send the present original to Imatag unless it is there; return the reason if it must not be marked."""
    shown = fingerprint(asset)
    if previous and shown == previous.fingerprint_after:
        return "it is the marked file that we have put there"
    if loop_guard.is_copy(ctx, asset.id, shown):
        return "it is the marked copy of another asset"
    known = hash_property.hashes_of(asset, hash_property.ensure(ctx))
    found = send.find(ctx, asset, checkpoint)
    checkpoint.put(original=shown)
    with reject_undownloadable(download_roles(asset)):
        if known or found or loop_guard.may_be_known(ctx, asset.size):
            return _send_unless_known(ctx, asset, known, found, checkpoint)
        send.send(ctx, asset, _content(ctx, asset), found, checkpoint)
    return ""


def _send_unless_known(
    ctx: Context, asset: Asset, known: Sequence[str], found: Sequence[api.Media], checkpoint: Checkpoint
) -> str:
    """Send an original that may have been marked already: only its bytes show it."""
    with measure_content(_content(ctx, asset)) as original:
        facts = original.facts
        if facts.sha256 in known:
            return "it is marked already: its hash is the one that Bynder holds"
        usable = [media for media in found if media.state != api.FAILED]
        if media := next((each for each in usable if send.is_of(each, asset, facts)), None):
            put_facts(checkpoint, "source", facts, media={"id": str(media.id), "adopted": True}, sending=None)
            return ""
        if media := _find_media(ctx, usable, facts):
            return _recover(ctx, asset, media, facts)
        if loop_guard.is_known(ctx, facts):
            return "it is itself a marked file"
        send.send(ctx, asset, original.content(filename_of(asset)), found, checkpoint)
    return ""


def _find_media(ctx: Context, found: Sequence[api.Media], facts: Facts) -> api.Media | None:
    """Return the media whose marked file it is; needed if our own notes are lost."""
    for media in found:
        content = api.open_marked(ctx.http, ctx.settings, str(media.id), "")
        try:
            if media.state == api.READY and content.size in (None, facts.size):
                with measure_content(content) as file:
                    if file.facts.sha256 == facts.sha256:
                        return media
        # Imatag no longer has the marked file of this media.
        except AssetRejectedError:
            continue
        finally:
            content.close()
    return None


def _recover(ctx: Context, asset: Asset, media: api.Media, facts: Facts) -> str:
    """Write missing hashes: after a crash, or after an earlier version that wrote only the original's."""
    loop_guard.note(ctx, facts)
    if media.sha256:
        hash_property.write(ctx, asset.id, media.sha256.lower(), facts.sha256)
    return "it is the marked file that Imatag holds of it"


def _content(ctx: Context, asset: Asset) -> Content:
    return ctx.bynder.assets.content(asset.id, filename=filename_of(asset), size=asset.size or None)


def filename_of(asset: Asset) -> str:
    """Return the name of the original with its extension, by which Imatag and Bynder know its type."""
    originals = [item.filename for item in asset.items if item.type == "original" and item.active]
    name = asset.filename or next(iter(originals), "")
    if name or not asset.extension:
        return name or asset.name or asset.id
    ending = f".{asset.extension}"
    return asset.name if asset.name.lower().endswith(ending.lower()) else f"{asset.name or asset.id}{ending}"


# --- verify ----------------------------------------------------------------------------------------


def check_current(ctx: Context, asset: Asset, checkpoint: Checkpoint) -> None:
    """Verify that the original is still the one that was sent, or our own new version of it.

    Raises:
        NotYet: it is another original: the transfer begins again with it.
    """
    if fingerprint(asset) == checkpoint.get("original"):
        return
    if ctx.settings.deliver_as == "new-version":
        marked = facts_of(checkpoint, "marked")
        own = marked is not None and bool(checkpoint.get(DELIVERY)) and asset.size == marked.size
    else:
        # A copy that may exist already replaces no version.
        own = bool(checkpoint.get(DELIVERY))
    if not own:
        forget(checkpoint)
        raise NotYet(STARTING_OVER, START_OVER_SECONDS)


def _verify(ctx: Context, asset: Asset, checkpoint: Checkpoint) -> MarkedContent:
    """Fetch and verify the marked file, and note it as ours before it is visible anywhere."""
    name = filename_of(asset)

    def fetch() -> MeasuredSpool:
        return poll.fetch(ctx, asset.type, name, checkpoint)

    noted = facts_of(checkpoint, "marked")
    if noted is not None:
        return MarkedContent(name, noted, fetch)
    spool = fetch()
    original = facts_of(checkpoint, "source")
    reason = (
        verify_marked.problem(_fill_size(original, asset), spool.facts)
        if original
        else "no facts of the original"
    )
    if reason:
        spool.close()
        forget(checkpoint)
        raise AssetRejectedError(f"Imatag's file cannot be used: {reason}")
    loop_guard.note(ctx, spool.facts)
    put_facts(checkpoint, "marked", spool.facts)
    return MarkedContent(name, spool.facts, fetch, spool)


def _fill_size(facts: Facts, asset: Asset) -> Facts:
    """Fill in width and height from Bynder if the file header does not contain them."""
    if facts.width or not asset.width:
        return facts
    return attrs.evolve(facts, width=asset.width, height=asset.height)


def is_current(prepared: PreparedAsset, checkpoint: Checkpoint) -> bool:
    """Return whether a prepared file is the one of the notes."""
    marked = facts_of(checkpoint, "marked")
    return marked is not None and prepared.content.validator == marked.sha256


def _prepare_asset(ctx: Context, asset: Asset, content: MarkedContent) -> PreparedAsset:
    """Return the marked file as an asset; a new asset gets the metadata of the original."""
    settings = ctx.settings
    if settings.deliver_as != "new-asset":
        return PreparedAsset(content, name=asset.name or content.filename)
    return PreparedAsset(
        content,
        name=settings.new_asset_name.format(name=asset.name, id=asset.id),
        description=asset.description,
        copyright=asset.copyright,
        tags=(*settings.new_asset_tags, asset.id),
        metaproperties={hash_property.ensure(ctx).name: content.facts.sha256},
    )
