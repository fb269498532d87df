"""Metaproperty in Bynder with the hashes of an original and of its marked file.

It suffices to mark nothing twice: it has the hash of the active version, whichever of the two files that
is. The value is the hash of the original, a space, and the hash of the marked file. Earlier versions of the
plugin wrote only the first hash.
"""

from __future__ import annotations

import re
from typing import Final

from damlink import Context
from damlink.bynder import Asset, Metaproperty, Role
from damlink.errors import BynderAuthError, ConfigError

__all__ = ["ensure", "hashes_of", "verify", "write"]

TYPES: Final = ("text", "longtext")
MANAGERS: Final = (Role.MANAGE_METAPROPERTIES, Role.MANAGE_METADATA)
_SHA256: Final = re.compile(r"\b[0-9a-f]{64}\b")


def verify(ctx: Context) -> str:
    """Verify that the metaproperty exists, or that it can be created. Create nothing.

    Returns:
        The result, for `damlink check`.

    Raises:
        ConfigError: it is not of type text.
        BynderAuthError: it is missing, and the portal's user may not create it.
    """
    name, place = ctx.settings.hash_metaproperty, f"connectors.{ctx.connector}.hash_metaproperty"
    found = ctx.bynder.metaproperties.find(name)
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


def ensure(ctx: Context) -> Metaproperty:
    """Return the metaproperty; create it if it is missing."""
    return ctx.bynder.metaproperties.ensure(ctx.settings.hash_metaproperty, type=TYPES[0])


def hashes_of(asset: Asset, metaproperty: Metaproperty) -> tuple[str, ...]:
    """Return the hashes at an asset: of the original, and of the marked file if it is there."""
    return tuple(_SHA256.findall(" ".join(asset.values_of(metaproperty.name)).lower()))


def write(ctx: Context, asset_id: str, original: str, marked: str) -> None:
    """Write both hashes to an asset, as the last step of its delivery."""
    ctx.bynder.assets.modify(asset_id, metaproperties={ensure(ctx).id: f"{original} {marked}"})
