"""Verification of the prerequisites of a run, before anything is sent. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from damlink import Context, Finding
from damlink.bynder import Role
from damlink.errors import BynderAuthError
from damlink_imatag import directory, filters, hash_property

__all__ = ["findings", "verify"]

RIGHTS: Final[Mapping[str, str]] = {
    Role.DOWNLOAD_ORIGINAL: "download originals",
    Role.UPLOAD: "upload into the asset bank",
    Role.EDIT: "write the hash of an original",
}


def verify(ctx: Context) -> None:
    """Verify all prerequisites.

    Raises:
        AuthError: Imatag refuses the credentials, or the portal's user lacks a right.
        ConfigError: the directory, a filter or the metaproperty is wrong.
    """
    for check in _CHECKS.values():
        check(ctx)


def findings(ctx: Context) -> Iterator[Finding]:
    """Yield the result of each check, for `damlink check`."""
    for what, check in _CHECKS.items():
        yield Finding(what, check(ctx))


def _directory(ctx: Context) -> str:
    return f"files go to {directory.verify(ctx)}"


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


_CHECKS: Final[Mapping[str, Callable[[Context], str]]] = {
    "directory": _directory,
    "filters": _filters,
    "rights": _rights,
    "hash metaproperty": hash_property.verify,
}
