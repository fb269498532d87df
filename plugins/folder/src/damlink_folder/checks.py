"""Checks for `damlink check`: the folder, what is written into it, and the metaproperties in the portal."""

from __future__ import annotations

from collections.abc import Iterator

from damlink import Context, Finding
from damlink.errors import DamlinkError
from damlink_folder.opening import open_folder
from damlink_folder.settings import FolderSettings

__all__ = ["findings"]


def findings(ctx: Context) -> Iterator[Finding]:
    """Yield the result of each check; a failed check does not stop the next."""
    settings: FolderSettings = ctx.settings
    yield _folder(settings)
    for name in settings.metaproperties:
        yield _metaproperty(ctx, name)


def _folder(settings: FolderSettings) -> Finding:
    try:
        with open_folder(settings) as folder:
            count = len(folder.children(""))
    except DamlinkError as error:
        return Finding.from_error("folder", error)
    return Finding("folder", f"{count} names in {settings.address}")


def _metaproperty(ctx: Context, name: str) -> Finding:
    try:
        found = ctx.bynder.metaproperties.get(name)
    except DamlinkError as error:
        return Finding.from_error("metaproperty", error)
    return Finding("metaproperty", f"{found.name} gets the field {ctx.settings.metaproperties[name]!r}")
