"""Whether all is as a run needs it. Asks, changes nothing, and is done before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from damlink import Context, Finding
from damlink.errors import BynderAuthError
from damlink_imatag import directory, filters, hash_property

__all__ = ["findings", "verify"]

# Source: the roles named by Bynder's published definitions of these calls.
RIGHTS: Final[Mapping[str, str]] = {
    "MEDIAHIGHRES": "download originals",
    "MEDIAUPLOAD": "upload into the asset bank",
    "MEDIAEDIT": "write the hash of an original",
}


def verify(ctx: Context) -> None:
    """Make sure of all of it.

    Raises:
        AuthError: Imatag refuses the credentials, or the portal's user lacks a right.
        ConfigError: a directory, filter or metaproperty that will not do.
    """
    for look in _LOOKS.values():
        look(ctx)


def findings(ctx: Context) -> Iterator[Finding]:
    """The same, with what was found, for `damlink check`."""
    for what, look in _LOOKS.items():
        yield Finding(what, look(ctx))


def _directory(ctx: Context) -> str:
    return f"files go to {directory.checked(ctx)}"


def _filters(ctx: Context) -> str:
    filters.query_of(ctx)
    names = ", ".join(ctx.settings.filters or ())
    return f"selected by {names}" if names else "none: every asset is marked"


def _rights(ctx: Context) -> str:
    profile = ctx.bynder.profiles.own()
    if profile is None:
        return "the portal's user may not read its own roles; the portal will say what it permits"
    for role, what in RIGHTS.items():
        if role not in profile.roles:
            who = f"the portal's profile {profile.name!r}"
            raise BynderAuthError(f"{who} may not {what}", hint=f"give it the role {role}")
    if ctx.settings.deliver_as == "new-asset":
        ctx.bynder.check_upload()
    return f"{profile.name!r} may {', '.join(RIGHTS.values())}"


_LOOKS: Final[Mapping[str, Callable[[Context], str]]] = {
    "directory": _directory,
    "filters": _filters,
    "rights": _rights,
    "hash metaproperty": hash_property.checked,
}
