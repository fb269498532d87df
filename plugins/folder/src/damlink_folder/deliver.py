"""Delivery of a file: upload it, or change what is known of it, then report, and put it aside."""

from __future__ import annotations

import hashlib

import attrs

from damlink import (
    AssetRejectedError,
    Checkpoint,
    Context,
    NotYet,
    PushResult,
    SourceAsset,
    TransientError,
)
from damlink_folder import removal, report
from damlink_folder.api import Folder
from damlink_folder.names import join, quote, split_name, to_path, unquote
from damlink_folder.sidecars import own_sidecars
from damlink_folder.transform import File

__all__ = ["deliver", "find_place"]

# In the checkpoint: the path that a file is about to be moved to.
_MOVED = "moved_to"


def find_place(folder: Folder, source: SourceAsset, checkpoint: Checkpoint) -> str | None:
    """Return where the file is now, also after a crash behind its move; `None` if it is gone.

    Raises:
        NotYet: another file has taken its place; the next listing finds that one.
    """
    path = to_path(source)
    entry = folder.find(path)
    if entry is not None and entry.signature == source.raw["signature"]:
        return path
    moved = unquote(checkpoint.get(_MOVED, ""))
    found = folder.find(moved) if moved else None
    if found is not None and found.signature == source.raw["signature"]:
        return moved
    if entry is not None:
        # Longer than a run waits for a row: the next listing has the new fingerprint.
        raise NotYet("it has changed since it was listed", retry_after=300)
    return None


def deliver(
    ctx: Context,
    folder: Folder,
    file: File,
    source: SourceAsset,
    previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult:
    """Deliver a file, then put it aside and report. Safe to repeat after a crash at any point."""
    try:
        result = _carry(ctx, file, source, previous, checkpoint)
    except AssetRejectedError as error:
        place = _move(ctx, folder, file, source, checkpoint, ctx.settings.failed)
        report.write(ctx, folder, source, place, report.Line("rejected", problem=str(error)))
        raise
    place = _move(ctx, folder, file, source, checkpoint, ctx.settings.done)
    report.write(ctx, folder, source, place, report.Line("pushed", result.target_id, result.url or ""))
    path = to_path(source)
    return removal.remember(result, path if place == path else None)


def _carry(
    ctx: Context, file: File, source: SourceAsset, previous: PushResult | None, checkpoint: Checkpoint
) -> PushResult:
    if file.problem:
        raise AssetRejectedError(f"its metadata cannot be read: {file.problem}")
    collection = _find_collection(ctx, file.collection)
    tag = _marker(ctx, source)
    marked = attrs.evolve(file, tags=(*file.tags, tag))
    result = ctx.bynder.upload(marked, checkpoint, marker=tag, previous=previous)
    removal.restore(ctx, result, previous)
    if collection:
        ctx.bynder.collections.add_media(collection, asset_ids=[result.target_id])
    return result


def _marker(ctx: Context, source: SourceAsset) -> str:
    """Return a tag that only this file of this folder has: a save without an answer is looked up by it."""
    text = f"{ctx.connector} {ctx.settings.address} {source.source_id}"
    return f"folder-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _find_collection(ctx: Context, name: str) -> str:
    """Return the id of a collection; empty if none is wanted. Called before anything is uploaded."""
    if not name:
        return ""
    found = (each.id for each in ctx.bynder.collections.list(keyword=name) if each.name == name)
    if (first := next(found, None)) is None:
        raise TransientError(f"the portal has no collection {name!r}: create it, or change `folders`")
    return first


def _move(
    ctx: Context, folder: Folder, file: File, source: SourceAsset, checkpoint: Checkpoint, aside: str
) -> str:
    """Move a file and its own sidecars aside, if that is set; return where the file is then."""
    if not ctx.settings.move:
        return file.place
    path, place = to_path(source), file.place
    if not place.startswith(f"{aside}/"):
        place = _choose_target(folder, join(aside, path), source)
        # Stored before the move: after a crash behind it, this is where the file is found.
        checkpoint.put(**{_MOVED: quote(place)})
        folder.move(file.place, place)
    # Otherwise another file has the name by now, and the sidecars are its own.
    if folder.find(path) is None:
        _move_sidecars(folder, path, place)
    return place


def _choose_target(folder: Folder, path: str, source: SourceAsset) -> str:
    """Return a path that no other file has. The same file gets the same one again."""
    if folder.find(path) is None:
        return path
    where, name = split_name(path)
    stem, dot, extension = name.rpartition(".")
    text = f"{source.source_id} {source.raw['signature']}"
    mark = hashlib.sha256(text.encode()).hexdigest()[:8]
    return join(where, f"{stem}-{mark}.{extension}" if dot and stem else f"{name}-{mark}")


def _move_sidecars(folder: Folder, path: str, target: str) -> None:
    own, shared = own_sidecars(path)
    wanted, shared_wanted = own_sidecars(target)
    if folder.find(own):
        folder.move(own, wanted)
    if shared != own and folder.find(shared) and not _is_shared(folder, path, shared):
        folder.move(shared, shared_wanted)


def _is_shared(folder: Folder, path: str, sidecar: str) -> bool:
    """Return whether another file of the same name, with another extension, is still in the folder."""
    where = split_name(path)[0]
    others = (join(where, each.name) for each in folder.children(where) if not each.is_folder)
    return any(each != sidecar and own_sidecars(each)[1] == sidecar for each in others)
