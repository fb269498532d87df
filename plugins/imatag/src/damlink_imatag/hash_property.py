"""The metaproperty in Bynder that holds the hashes of an original and of its marked file.

With it alone nothing is marked twice: whichever of the two is the active version, its hash is there. The
value is the original's hash, a space, and the marked file's; earlier versions of the plugin wrote only the
first.
"""

from __future__ import annotations

import re
from typing import Final

from damlink import Context
from damlink.bynder import Asset, Metaproperty
from damlink.errors import BynderAuthError, BynderError, ConfigError

__all__ = ["checked", "ensured", "hashes_of", "write"]

TYPES: Final = ("text", "longtext")
MANAGERS: Final = ("METAPROPERTYMANAGEMENT", "METAMANAGEMENT")
_SHA256: Final = re.compile(r"\b[0-9a-f]{64}\b")


def checked(ctx: Context) -> str:
    """Make sure that it is there, or may be made; makes nothing.

    Returns:
        What was found, for a person.

    Raises:
        ConfigError: it takes no text.
        BynderAuthError: it is missing, and the portal's user may not make it.
    """
    name, place = ctx.settings.hash_metaproperty, f"connectors.{ctx.connector}.hash_metaproperty"
    found = _found(ctx)
    if found is not None:
        if found.type not in TYPES:
            hint = "name one of type text"
            raise ConfigError(place, f"{name!r} is of type {found.type}, and takes no text", hint=hint)
        return f"{found.name!r} holds the hashes of each original and its marked file"
    profile = ctx.bynder.profiles.own()
    if profile is not None and not profile.roles.intersection(MANAGERS):
        hint = f"give it the role {MANAGERS[0]}, or make the metaproperty by hand, of type text"
        raise BynderAuthError(f"the portal's profile {profile.name!r} may not make {name!r}", hint=hint)
    return f"{name!r} will be made by the first run"


def ensured(ctx: Context) -> Metaproperty:
    """The metaproperty; made if it is not there."""
    return ctx.bynder.metaproperties.ensure(ctx.settings.hash_metaproperty, type=TYPES[0])


def _found(ctx: Context) -> Metaproperty | None:
    try:
        return ctx.bynder.metaproperties.get(ctx.settings.hash_metaproperty)
    except BynderError as error:
        if error.status is not None:  # the portal's own word, and not that there is none
            raise
        return None


def hashes_of(asset: Asset, metaproperty: Metaproperty) -> tuple[str, ...]:
    """Return the hashes that an asset carries: the original's, and the marked file's where it is there."""
    return tuple(_SHA256.findall(" ".join(asset.values_of(metaproperty.name)).lower()))


def write(ctx: Context, asset_id: str, original: str, marked: str) -> None:
    """Give an asset both hashes. The last thing that is done to it."""
    ctx.bynder.assets.modify(asset_id, metaproperties={ensured(ctx).id: f"{original} {marked}"})
