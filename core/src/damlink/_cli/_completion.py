"""Completion in the shell: names of the config. Whatever is wrong, there is nothing to complete."""

from __future__ import annotations

from collections.abc import Iterable

import click

from damlink.errors import DamlinkError

__all__ = ["complete_connectors", "complete_names", "complete_portals", "complete_portals_and_connectors"]


def complete_portals(ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the portals of the config that begin with a text."""
    return complete_names(_names(ctx, "portals"), begun)


def complete_connectors(ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the connectors of the config that begin with a text."""
    return complete_names(_names(ctx, "connectors"), begun)


def complete_portals_and_connectors(ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the portals and the connectors of the config that begin with a text."""
    return complete_names([*_names(ctx, "portals"), *_names(ctx, "connectors")], begun)


def complete_names(names: Iterable[str], begun: str) -> list[str]:
    """Return the names that begin with a text."""
    return [name for name in names if name.startswith(begun)]


def _names(ctx: click.Context, table: str) -> list[str]:
    from damlink._config.load import load
    from damlink._config.location import find

    try:
        return [*getattr(load(find(ctx.find_root().params.get("config_path"))), table)]
    except (DamlinkError, OSError):
        return []
