"""Files that are no longer in the folder: find them, and treat their assets as the settings say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from damlink import Context, PushResult, Removed
from damlink_folder.api import Folder
from damlink_folder.names import quote, unquote

__all__ = ["GONE", "list_removed", "remember", "remove", "restore"]

GONE: Final = "the file is no longer in the folder"
_PATH: Final = "path"


def remember(result: PushResult, path: str | None) -> PushResult:
    """Return a result that says where the folder should still contain the file; `None`: nowhere."""
    return attrs.evolve(result, detail={**result.detail, _PATH: quote(path) if path else None})


def list_removed(ctx: Context, folder: Folder) -> Iterator[Removed]:
    """Yield the files that were delivered and are gone.

    An empty folder says nothing: what it is on may not be mounted.
    """
    if ctx.settings.on_removal == "ignore":
        return
    if not folder.children(""):
        ctx.log.warning("the folder is empty: no file counts as removed")
        return
    for entry in ctx.ledger.list_delivered():
        path = entry.result.detail.get(_PATH) if entry.result else None
        if path and entry.state != "removed" and folder.find(unquote(path)) is None:
            yield Removed(entry.source_id, GONE)


def remove(ctx: Context, removed: Removed, previous: PushResult | None) -> PushResult | Removed:
    """Treat the asset of a file that is gone as the settings say."""
    # A person may have deleted it meanwhile.
    if previous is None or ctx.bynder.assets.find(previous.target_id) is None:
        return removed
    if ctx.settings.on_removal == "delete":
        ctx.bynder.assets.delete(previous.target_id)
        return removed
    if ctx.settings.on_removal == "archive":
        ctx.bynder.assets.modify(previous.target_id, archive=True)
        return attrs.evolve(previous, detail={**previous.detail, "archived": True})
    return previous


def restore(ctx: Context, result: PushResult, previous: PushResult | None) -> None:
    """Take an asset out of the archive if its file is in the folder again."""
    if previous is not None and previous.detail.get("archived"):
        ctx.bynder.assets.modify(result.target_id, archive=False)
