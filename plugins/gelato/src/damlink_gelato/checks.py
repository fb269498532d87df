"""Checks for `damlink check`: four rights in the portal, Gelato's key, and the target of the files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from damlink import Context, Finding
from damlink.bynder import Role
from damlink.errors import BynderAuthError, DamlinkError
from damlink_gelato import api, backlink
from damlink_gelato.settings import GelatoSettings

__all__ = ["RIGHTS", "Right", "findings"]


@attrs.frozen
class Right:
    """Right that the portal's user needs.

    Attributes:
        roles: any one of these roles contains the right.
        always: needed without links, too.
    """

    name: str
    roles: tuple[str, ...]
    purpose: str
    always: bool = False


# Source: Bynder's published definitions (roles); Gelato's article on Bynder (which four, and what for)
RIGHTS: Final = (
    Right(
        "Metaproperty management",
        (Role.MANAGE_METAPROPERTIES, Role.MANAGE_METADATA),
        "to make the metaproperty",
    ),
    Right("Permissions management", (Role.MANAGE_PERMISSIONS,), "to read what the user may do"),
    Right("Edit media", (Role.EDIT,), "to write links to assets"),
    Right("Download original", (Role.DOWNLOAD_ORIGINAL,), "to bring files to Gelato", always=True),
)


def findings(ctx: Context) -> Iterator[Finding]:
    """Yield the result of each check; a failed check does not stop the next."""
    settings: GelatoSettings = ctx.settings
    profile = ctx.bynder.profiles.own()
    if profile is None:
        hint = "give it the scopes current.user:read and current.profile:read"
        yield Finding.from_error(
            "rights", BynderAuthError("the portal's user may not read its own profile", hint=hint)
        )
    else:
        yield from (_right(right, profile.roles, settings) for right in RIGHTS)
    yield _key(ctx, settings)
    if settings.backlink:
        yield _link(ctx)
    yield _target(settings)


def _right(right: Right, roles: frozenset[str], settings: GelatoSettings) -> Finding:
    if roles.intersection(right.roles):
        return Finding(right.name, f"the portal's user has it, {right.purpose}")
    if not (right.always or settings.backlink):
        return Finding(right.name, f"missing; only needed with backlink, {right.purpose}")
    hint = f"give its profile {right.roles[0]}, {right.purpose}"
    return Finding.from_error(right.name, BynderAuthError("the portal's user lacks it", hint=hint))


def _key(ctx: Context, settings: GelatoSettings) -> Finding:
    if not settings.catalog_url:
        return Finding("API key", "not tried: there is no catalog_url")
    try:
        api.check_key(ctx.http, settings)
    except DamlinkError as error:
        return Finding.from_error("API key", error)
    return Finding("API key", "Gelato takes it")


def _link(ctx: Context) -> Finding:
    try:
        backlink.verify(ctx)
    except DamlinkError as error:
        return Finding.from_error("backlink", error)
    return Finding("backlink", f"links go to {ctx.settings.backlink_metaproperty!r}")


def _target(settings: GelatoSettings) -> Finding:
    if not settings.import_url:
        return Finding("import", "no import_url is set: files wait, and nothing is sent")
    return Finding("import", f"files go to the folder {settings.folder!r} by {settings.mode}")
