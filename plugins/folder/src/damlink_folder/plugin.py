"""Hot folder: its files, with their metadata, into a Bynder portal."""

from __future__ import annotations

from collections.abc import Iterator

from damlink import (
    About,
    Checkpoint,
    Context,
    Finding,
    PreparedAsset,
    PushResult,
    Removed,
    SourceAsset,
    hookimpl,
)
from damlink_folder import checks, deliver, listing, removal
from damlink_folder.names import printable, split_name, to_path
from damlink_folder.opening import open_folder
from damlink_folder.settings import FolderSettings
from damlink_folder.transform import File, prepare

settings_class = FolderSettings

about = About(
    title="Hot folder",
    summary="Files of a folder, with their metadata, into a Bynder portal.",
    every="5m",
    permissions=("Upload and publish media", "Edit media (for versions and changed metadata)"),
)


@hookimpl
def list_source_assets(ctx: Context) -> Iterator[SourceAsset | Removed]:
    """List every complete file. There is no cursor: a file may be changed anywhere."""
    with open_folder(ctx.settings) as folder:
        yield from listing.list_files(ctx, folder)
        yield from removal.list_removed(ctx, folder)


@hookimpl
def transform(ctx: Context, source: SourceAsset, checkpoint: Checkpoint) -> PreparedAsset | Removed:
    """Find the file, and prepare its metadata."""
    with open_folder(ctx.settings) as folder:
        place = deliver.find_place(folder, source, checkpoint)
        entry = folder.find(place) if place else None
        if place is None or entry is None:
            return Removed(source.source_id, removal.GONE)
        content = folder.content(entry, printable(split_name(to_path(source))[1]))
    return prepare(ctx.settings, source, content, place)


@hookimpl
def push(
    ctx: Context,
    prepared: File | Removed,
    source: SourceAsset,
    previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult | Removed:
    """Upload the file, as a version if there was one before; then report, and put it aside."""
    if isinstance(prepared, Removed):
        return removal.remove(ctx, prepared, previous)
    with open_folder(ctx.settings) as folder:
        return deliver.deliver(ctx, folder, prepared, source, previous, checkpoint)


def check(ctx: Context) -> Iterator[Finding]:
    """Yield what `damlink check` shows of the folder."""
    return checks.findings(ctx)
