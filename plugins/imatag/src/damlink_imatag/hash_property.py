"""The metaproperty in Bynder that holds the hash of an original: with it nothing is marked twice."""

from __future__ import annotations

from typing import Final

from damlink import Context
from damlink.bynder import Asset, Metaproperty
from damlink.errors import BynderAuthError, BynderError, ConfigError

__all__ = ["checked", "ensured", "value_of", "write"]

TYPES: Final = ("text", "longtext")
MANAGERS: Final = ("METAPROPERTYMANAGEMENT", "METAMANAGEMENT")


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
        return f"{found.name!r} holds the hash of each original"
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


def value_of(asset: Asset, metaproperty: Metaproperty) -> str:
    """The hash that an asset carries, or empty."""
    return next(iter(asset.values_of(metaproperty.name)), "").strip().lower()


def write(ctx: Context, asset_id: str, sha256: str) -> None:
    """Give an asset the hash of its original. The last thing that is done to it."""
    ctx.bynder.assets.modify(asset_id, metaproperties={ensured(ctx).id: sha256})
