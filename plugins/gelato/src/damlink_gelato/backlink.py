"""The checkout link in the portal: where it may lead, and the metaproperty that holds it."""

from __future__ import annotations

from collections.abc import Iterable

from damlink import Context, parse_url
from damlink.bynder import Metaproperty
from damlink.errors import BynderError, ConfigError
from damlink_gelato.settings import GelatoSettings

__all__ = ["checked", "is_allowed", "place", "write"]


def checked(ctx: Context) -> None:
    """Make sure that the metaproperty takes text, if there is one; makes none.

    Raises:
        ConfigError: it takes something else.
    """
    name = ctx.settings.backlink_metaproperty
    try:
        found = ctx.bynder.metaproperties.get(name)
    except BynderError as error:
        if error.status is not None:  # the portal's own word, and not that there is none
            raise
        return
    if not found.is_like("text"):
        where = f"connectors.{ctx.connector}.backlink_metaproperty"
        raise ConfigError(where, f"{name!r} is of type {found.type}, and takes no link", hint="name another")


def place(ctx: Context) -> Metaproperty:
    """The metaproperty for the link; made if there is none.

    Raises:
        BynderAuthError: the portal's user may not make it.
        BynderError: it holds no text.
    """
    return ctx.bynder.metaproperties.ensure(ctx.settings.backlink_metaproperty)


def write(ctx: Context, asset_id: str, link: str) -> str:
    """Write a link to its asset.

    Returns:
        What a person should know: empty, or why it was not written.

    Raises:
        BynderAuthError: the portal's user may not make the metaproperty, or may not edit assets.
        BynderError: the metaproperty holds no text.
    """
    settings: GelatoSettings = ctx.settings
    if not is_allowed(link, settings.checkout_hosts):
        return "its checkout link was not written: it leads to a host that is not in checkout_hosts"
    ctx.bynder.assets.modify(asset_id, metaproperties={place(ctx).id: link})
    return ""


def is_allowed(link: str, hosts: Iterable[str]) -> bool:
    """Whether a link leads by https to one of the hosts; `*.` in front stands for any host below.

    A host with a port means that port alone; without one, the usual port.
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
