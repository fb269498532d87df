"""One original becomes one marked file: looked for before it is sent, sent once, waited for, and judged."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
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
    Skip,
    SourceAsset,
)
from damlink.bynder import Asset
from damlink.errors import BynderAuthError
from damlink_imatag import api, hash_property, loop_guard, poll, send, verify_marked
from damlink_imatag.content import MarkedContent
from damlink_imatag.listing import fingerprint, present
from damlink_imatag.media_info import Facts, Spool, spooled
from damlink_imatag.notes import DELIVERY, facts_of, forget, put_facts

__all__ = ["check_current", "filename_of", "is_of_now", "prepare"]

STARTING_OVER: Final = "somebody has put another version into Bynder meanwhile; starting over with it"
START_OVER_SECONDS: Final = 1.0
FORBIDDEN: Final = 403


def prepare(
    ctx: Context, source: SourceAsset, previous: PushResult | None, checkpoint: Checkpoint
) -> PreparedAsset | Skip:
    """The marked file of an asset's present original, ready to be delivered.

    Raises:
        NotYet: Imatag is still marking it, or it is not clear yet whether it was sent.
        AssetRejectedError: Imatag will not, or could not, mark it; or what it made will not do.
    """
    if checkpoint.get("media"):
        poll.await_ready(ctx, str(source.raw.get("type", "")), checkpoint)
    asset = present(ctx, source.source_id)
    if asset is None:
        return Skip("it is no longer in the portal")
    if not checkpoint.get("media"):
        if reason := _begin(ctx, asset, previous, checkpoint):
            return Skip(reason)
        poll.await_ready(ctx, asset.type, checkpoint)
    check_current(ctx, asset, checkpoint)
    return _prepared(ctx, asset, _judged(ctx, asset, checkpoint))


# --- sent, once ------------------------------------------------------------------------------------


def _begin(ctx: Context, asset: Asset, previous: PushResult | None, checkpoint: Checkpoint) -> str:
    """See to it that Imatag has the present original; or why that must not be."""
    shown = fingerprint(asset)
    if previous and shown == previous.fingerprint_after:
        return "it is the marked file that we have put there"
    if loop_guard.is_copy(ctx, asset.id, shown):
        return "it is the marked copy of another asset"
    known = hash_property.hashes_of(asset, hash_property.ensured(ctx))
    found = send.found(ctx, asset, checkpoint)
    checkpoint.put(original=shown)
    with _rejected_alone(asset):
        if known or found or loop_guard.may_be_known(ctx, asset.size):
            return _send_looked_into(ctx, asset, known, found, checkpoint)
        send.send(ctx, asset, _content(ctx, asset), found, checkpoint)
    return ""


@contextlib.contextmanager
def _rejected_alone(asset: Asset) -> Iterator[None]:
    """Where it takes another right to download this asset, the others are marked all the same.

    Source: Bynder's published definition of the download (roles by the asset's state).
    """
    states = {
        "ARCHIVEDOWNLOAD": asset.is_archived,
        "KEYVISUALSDOWNLOAD": asset.is_limited,
        "DOWNLOADWATERMARK": asset.is_watermarked,
    }
    roles = [role for role, applies in states.items() if applies]
    try:
        yield
    except BynderAuthError as error:
        if error.status != FORBIDDEN or not roles:
            raise
        hint = f"give its profile {' and '.join(roles)}, then retry"
        raise AssetRejectedError("the portal's user may not download it", hint=hint, status=403) from error


def _send_looked_into(
    ctx: Context, asset: Asset, known: Sequence[str], found: Sequence[api.Media], checkpoint: Checkpoint
) -> str:
    """The same where the original may have been marked already: only its bytes tell."""
    with spooled(_content(ctx, asset)) as original:
        facts = original.facts
        if facts.sha256 in known:
            return "it is marked already: its hash is the one that Bynder holds"
        usable = [media for media in found if media.state != api.FAILED]
        if media := next((each for each in usable if send.is_of(each, asset, facts)), None):
            put_facts(checkpoint, "source", facts, media={"id": str(media.id), "adopted": True}, sending=None)
            return ""
        if media := _marked_by(ctx, usable, facts):
            return _recovered(ctx, asset, media, facts)
        if loop_guard.is_known(ctx, facts):
            return "it is itself a marked file"
        send.send(ctx, asset, original.content(filename_of(asset)), found, checkpoint)
    return ""


def _marked_by(ctx: Context, found: Sequence[api.Media], facts: Facts) -> api.Media | None:
    """Which media's marked file it is: asked for where our own notes are lost."""
    for media in found:
        content = api.marked(ctx.http, ctx.settings, str(media.id), "")
        try:
            if media.state == api.READY and content.size in (None, facts.size):
                with spooled(content) as file:
                    if file.facts.sha256 == facts.sha256:
                        return media
        except AssetRejectedError:  # it is gone there
            continue
        finally:
            content.close()
    return None


def _recovered(ctx: Context, asset: Asset, media: api.Media, facts: Facts) -> str:
    """Write the hashes: a crash has kept them from it, or an earlier version knew only the original's."""
    loop_guard.note(ctx, facts)
    if media.sha256:
        hash_property.write(ctx, asset.id, media.sha256.lower(), facts.sha256)
    return "it is the marked file that Imatag holds of it"


def _content(ctx: Context, asset: Asset) -> Content:
    return ctx.bynder.assets.content(asset.id, filename=filename_of(asset))


def filename_of(asset: Asset) -> str:
    """The name of the original with its extension, which tells Imatag and Bynder its type."""
    originals = [item.filename for item in asset.items if item.type == "original" and item.active]
    told = asset.filename or next(iter(originals), "")
    if told or not asset.extension:
        return told or asset.name or asset.id
    ending = f".{asset.extension}"
    return asset.name if asset.name.lower().endswith(ending.lower()) else f"{asset.name or asset.id}{ending}"


# --- judged ----------------------------------------------------------------------------------------


def check_current(ctx: Context, asset: Asset, checkpoint: Checkpoint) -> None:
    """Make sure that the original is still the one that was sent; our own new version is.

    Raises:
        NotYet: it is another one: all begins again with it.
    """
    if fingerprint(asset) == checkpoint.get("original"):
        return
    if ctx.settings.deliver_as == "new-version":
        marked = facts_of(checkpoint, "marked")
        own = marked is not None and bool(checkpoint.get(DELIVERY)) and asset.size == marked.size
    else:
        own = bool(checkpoint.get(DELIVERY))  # a copy that may be there buries nothing
    if not own:
        forget(checkpoint)
        raise NotYet(STARTING_OVER, START_OVER_SECONDS)


def _judged(ctx: Context, asset: Asset, checkpoint: Checkpoint) -> MarkedContent:
    """The marked file, fetched and found good; noted as ours before anybody can see it."""
    name = filename_of(asset)

    def fetch() -> Spool:
        return poll.fetch(ctx, asset.type, name, checkpoint)

    noted = facts_of(checkpoint, "marked")
    if noted is not None:
        return MarkedContent(name, noted, fetch)
    spool = fetch()
    original = facts_of(checkpoint, "source")
    reason = (
        verify_marked.problem(_sized(original, asset), spool.facts)
        if original
        else "no facts of the original"
    )
    if reason:
        spool.close()
        forget(checkpoint)
        raise AssetRejectedError(f"Imatag's file will not do: {reason}")
    loop_guard.note(ctx, spool.facts)
    put_facts(checkpoint, "marked", spool.facts)
    return MarkedContent(name, spool.facts, fetch, spool)


def _sized(facts: Facts, asset: Asset) -> Facts:
    """The facts of an original, with the portal's word on its pixels where its own head tells none."""
    if facts.width or not asset.width:
        return facts
    return attrs.evolve(facts, width=asset.width, height=asset.height)


def is_of_now(prepared: PreparedAsset, checkpoint: Checkpoint) -> bool:
    """Whether a prepared file is the one that the notes speak of."""
    marked = facts_of(checkpoint, "marked")
    return marked is not None and prepared.content.validator == marked.sha256


def _prepared(ctx: Context, asset: Asset, content: MarkedContent) -> PreparedAsset:
    """A version keeps the asset's own metadata; a new asset gets it."""
    settings = ctx.settings
    if settings.deliver_as != "new-asset":
        return PreparedAsset(content, name=asset.name or content.filename)
    return PreparedAsset(
        content,
        name=settings.new_asset_name.format(name=asset.name, id=asset.id),
        description=asset.description,
        copyright=asset.copyright,
        tags=(*settings.new_asset_tags, asset.id),
        metaproperties={hash_property.ensured(ctx).name: content.facts.sha256},
    )
