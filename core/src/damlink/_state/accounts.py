"""The accounts that a connector works with, as digests by the names of the settings that identify them."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

__all__ = ["AccountChange", "Accounts"]

PORTAL = "portal"


@attrs.frozen
class Accounts:
    """The accounts of a connector. An empty setting is left out and never compared.

    Attributes:
        source: the account that assets come from.
        target: the account that they go to.
        portal: the address of the portal; empty if it is not known.
    """

    source: Mapping[str, str] = attrs.field(factory=dict)
    target: Mapping[str, str] = attrs.field(factory=dict)
    portal: str = ""

    def change_from(self, known: Accounts, *, uploads: bool) -> AccountChange:
        """Compare with the accounts that the database knows.

        Args:
            uploads: whether the connector uploads to the portal, so that the portal is a target too.
        """
        is_moved = bool(known.portal) and known.portal != self.portal
        portal = (PORTAL,) if is_moved else ()
        source = _find_changes(known.source, self.source) + portal
        return AccountChange(source, _find_changes(known.target, self.target) + (portal if uploads else ()))

    def merge_with(self, known: Accounts) -> Accounts:
        """Return these accounts, completed with settings that only the database knows."""
        source, target = {**known.source, **self.source}, {**known.target, **self.target}
        return Accounts(source, target, self.portal or known.portal)


@attrs.frozen
class AccountChange:
    """The names of the settings that now identify another account."""

    source: tuple[str, ...] = ()
    target: tuple[str, ...] = ()


def _find_changes(known: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name in sorted(now) if known.get(name, now[name]) != now[name])
