"""Listing of a folder: file by file, in the order of the names, each when it is complete."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from damlink import Context, SourceAsset
from damlink_folder.api import Entry, Folder
from damlink_folder.names import is_ignored, is_sidecar, join, printable, quote, split_name, to_id
from damlink_folder.settings import FolderSettings
from damlink_folder.sidecars import Metadata, Sidecars
from damlink_folder.transform import map_fields

__all__ = ["list_files", "walk"]

# A file that was written a moment ago is looked at twice; so many wait for their second look at most.
_MOST_YOUNG: Final = 1000


@attrs.frozen
class Found:
    """File with its metadata."""

    entry: Entry
    metadata: Metadata

    @property
    def signature(self) -> str:
        """Return a text that changes with the file and with the files of its metadata."""
        return " ".join(each.signature for each in (self.entry, *self.metadata.entries))

    @property
    def changed(self) -> float:
        """Return the time of the last change of any of them."""
        return max(each.changed for each in (self.entry, *self.metadata.entries))


def list_files(ctx: Context, folder: Folder) -> Iterator[SourceAsset]:
    """Yield every complete file as a source asset."""
    for found in _list_settled(ctx, folder):
        yield _source_asset(folder, ctx.settings, found)


def walk(folder: Folder, settings: FolderSettings, path: str = "") -> Iterator[Found]:
    """Yield every file that counts, below a sub-folder: its files first, then its folders."""
    children = folder.children(path)
    names = [each.name for each in children if not each.is_folder]
    described = [each for each in names if settings.sidecars and not is_ignored(each, settings.ignore)]
    sidecars = Sidecars(folder, settings, path, described)
    for name in filter(lambda each: _is_chosen(each, settings), names):
        entry = folder.find(join(path, name))
        if entry is not None:
            yield Found(entry, sidecars.metadata(entry.path))
    for each in children:
        if each.is_folder and not _is_left_out(path, each.name, settings):
            yield from walk(folder, settings, join(path, each.name))


def _is_chosen(name: str, settings: FolderSettings) -> bool:
    if is_ignored(name, settings.ignore) or (settings.sidecars and is_sidecar(name)):
        return False
    return any(fnmatch.fnmatch(name.lower(), pattern.lower()) for pattern in settings.include)


def _is_left_out(path: str, name: str, settings: FolderSettings) -> bool:
    is_own = settings.move and not path and name in (settings.done, settings.failed)
    return is_own or is_ignored(name, settings.ignore)


def _list_settled(ctx: Context, folder: Folder) -> Iterator[Found]:
    """Yield the complete files. One that has just changed waits until it has stayed the same."""
    settings: FolderSettings = ctx.settings
    young: deque[tuple[Found, datetime]] = deque()
    for found in walk(folder, settings):
        if settings.require_sidecar and not found.metadata.entries:
            continue
        if _is_old(found, settings.settle, ctx.now(), folder):
            yield found
        else:
            young.append((found, ctx.now()))
        while len(young) > _MOST_YOUNG:
            yield from _look_again(ctx, folder, *young.popleft())
    for each in young:
        yield from _look_again(ctx, folder, *each)


def _is_old(found: Found, settle: timedelta, now: datetime, folder: Folder) -> bool:
    age = now.timestamp() - found.changed
    return not settle or age >= settle.total_seconds() + folder.clock_skew_seconds


def _look_again(ctx: Context, folder: Folder, found: Found, seen: datetime) -> Iterator[Found]:
    """Yield a file if nothing of it has changed since it was seen, and enough time has passed."""
    wait = ctx.settings.settle - (ctx.now() - seen)
    if wait > timedelta(0):
        ctx.http.pause(wait.total_seconds())
    entries = (found.entry, *found.metadata.entries)
    if all(folder.find(each.path) == each for each in entries):
        yield found
    else:
        ctx.log.info("%s is still changing: left for the next listing", printable(found.entry.path))


def _source_asset(folder: Folder, settings: FolderSettings, found: Found) -> SourceAsset:
    entry, metadata = found.entry, found.metadata
    content = entry.signature if settings.fingerprint == "time" else _digest(folder, entry)
    described = [map_fields(settings, metadata.values), metadata.values, metadata.problem]
    fingerprint = f"{content} {hashlib.sha256(_canonical(described)).hexdigest()[:16]}"
    raw = {
        "path": quote(entry.path),
        "signature": entry.signature,
        "content": content,
        "metadata": dict(metadata.values),
        "problem": metadata.problem,
    }
    return SourceAsset(to_id(entry.path), fingerprint, printable(split_name(entry.path)[1]), raw)


def _digest(folder: Folder, entry: Entry) -> str:
    digest = hashlib.sha256()
    for piece in folder.read(entry.path):
        digest.update(piece)
    return digest.hexdigest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
