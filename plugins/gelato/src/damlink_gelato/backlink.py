"""Checkout link in the portal: the permitted hosts, and the metaproperty that holds it."""

from __future__ import annotations

from collections.abc import Iterable

from damlink import Context, parse_url
from damlink.bynder import Metaproperty
from damlink.errors import ConfigError
from damlink_gelato.settings import GelatoSettings

__all__ = ["ensure_metaproperty", "is_allowed", "verify", "write"]


def verify(ctx: Context) -> None:
    """Verify that the metaproperty holds text, if it exists. Create nothing.

    Raises:
        ConfigError: it is of another type.
    """
    name = ctx.settings.backlink_metaproperty
    found = ctx.bynder.metaproperties.find(name)
    if found is not None and not found.is_like("text"):
        where = f"connectors.{ctx.connector}.backlink_metaproperty"
        raise ConfigError(where, f"{name!r} is of type {found.type}, and takes no link", hint="name another")


def ensure_metaproperty(ctx: Context) -> Metaproperty:
    """Return the metaproperty for the link; create it if it is missing.

    Raises:
        BynderAuthError: the portal's user may not create it.
        BynderError: it is not of type text.
    """
    return ctx.bynder.metaproperties.ensure(ctx.settings.backlink_metaproperty)


def write(ctx: Context, asset_id: str, link: str) -> str:
    """Write a link to its asset.

    Returns:
        A notice why the link was not written; empty if it was.

    Raises:
        BynderAuthError: the portal's user may not create the metaproperty, or may not edit assets.
        BynderError: the metaproperty is not of type text.
    """
    settings: GelatoSettings = ctx.settings
    if not is_allowed(link, settings.checkout_hosts):
        return "its checkout link was not written: it leads to a host that is not in checkout_hosts"
    ctx.bynder.assets.modify(asset_id, metaproperties={ensure_metaproperty(ctx).id: link})
    return ""


def is_allowed(link: str, hosts: Iterable[str]) -> bool:
    """Return whether a link is an https address of one of the hosts; `*.` stands for any host below.

    A host with a port permits only that port; a host without one permits only the default port.
    """
    try:
        url = parse_url(link)
    except ValueError:
        return False
    if url.scheme != "https" or url.userinfo:
        return False
    place = url.netloc.decode("ascii").lower()
    return any(_matches(place, host.lower()) for host in hosts)


def _matches(place: str, host: str) -> bool:
    return place.endswith(host[1:]) if host.startswith("*.") else place == host
