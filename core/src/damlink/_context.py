"""Context that a hook receives: clients, settings and state of one connector."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol

import attrs

if TYPE_CHECKING:
    # Only a type checker needs the default, which Python's own TypeVar has from 3.13 on.
    from typing_extensions import TypeVar

    from damlink._http.client import Client
    from damlink._model import LedgerEntry
    from damlink.bynder import Portal

__all__ = ["Context", "EmptyLedger", "Progress", "ReadOnlyLedger", "State"]


if TYPE_CHECKING:
    SettingsT = TypeVar("SettingsT", default=Any, covariant=True)
else:
    from typing import TypeVar

    SettingsT = TypeVar("SettingsT", covariant=True)


class State(Protocol):
    """Small durable key-value store of one connector, with JSON values."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value stored under a key, or `default`."""

    def put(self, key: str, value: Any) -> None:
        """Store a JSON value; it is committed when this returns."""

    def delete(self, key: str) -> None:
        """Delete a key, if it exists."""

    def keys(self) -> Sequence[str]:
        """Return the keys that have a value, sorted."""

    def update(self, key: str, function: Callable[[Any], Any], default: Any = None) -> Any:
        """Replace a value by what a function makes of it; no other change of the key is lost.

        Safe for several threads and processes: `ctx.state.update("count", lambda n: n + 1, 0)`.

        Args:
            function: takes the value, or `default`, and returns the new one. It is called again if the value
                was changed meanwhile: let it only compute.

        Returns:
            The new value, which is committed when this returns.
        """


class ReadOnlyLedger(Protocol):
    """Read-only view of what a connector has delivered."""

    def get(self, source_id: str) -> LedgerEntry | None:
        """Return the entry of a source asset; `None` if it was never listed."""

    def find_target(self, target_id: str) -> LedgerEntry | None:
        """Return the entry that was delivered as this asset of the target; of several, the last one."""

    def list_delivered(self) -> Iterator[LedgerEntry]:
        """Yield the entries of which something is at the target, in the order of their source ids."""


class EmptyLedger:
    """The ledger before there is a database."""

    def get(self, source_id: str) -> LedgerEntry | None:  # noqa: ARG002
        """Return `None`."""
        return None

    find_target = get

    def list_delivered(self) -> Iterator[LedgerEntry]:
        """Yield nothing."""
        return iter(())


class Progress(Protocol):
    """Display of how far a hook is, and counter of bytes."""

    def __call__(self, done: float, total: float | None = None, unit: str = "") -> None:
        """Show how far the hook is: `ctx.progress(40, 100, "frames")`. A number alone counts bytes.

        The display is refreshed once a second, a log gets a line every ten seconds, and nothing else keeps
        it: call it as often as you like.

        Args:
            done: how much is done; alone, bytes that the partner has received.
            total: how much there is to do, if that is known.
            unit: what is counted, in the plural.
        """


def _ignore_progress(done: float, total: float | None = None, unit: str = "") -> None:
    """Show nothing."""


@attrs.frozen(kw_only=True)
class Context(Generic[SettingsT]):
    """Clients, settings and state of one connector during one run.

    `Context[LarkspurSettings]` says the class of `settings` to a type checker; `Context` alone says nothing.

    Attributes:
        connector: the connector's name in the config.
        settings: the plugin's own settings, validated.
        http: the partner's client: paths resolve against the setting `api_url`; signed for that
            origin only, paced, repeating what may be repeated, logging without secrets. If the plugin has
            a setting `requests_per_second`, that is its limit in this process.
        bynder: the portal.
        state: small durable values of this connector.
        ledger: what this connector has delivered, by source id or target id; read only.
        log: stamps the connector's name.
        progress: shows how far a hook is: `ctx.progress(40, 100, "frames")`. A number alone counts bytes that
            the partner has received, for the run's totals; uploads into the portal are counted already.
        now: the clock, UTC.
    """

    connector: str
    settings: SettingsT = attrs.field(repr=False)
    http: Client = attrs.field(repr=False)
    bynder: Portal = attrs.field(repr=False)
    state: State = attrs.field(repr=False)
    log: logging.LoggerAdapter[logging.Logger] = attrs.field(repr=False)
    now: Callable[[], datetime] = attrs.field(repr=False)
    ledger: ReadOnlyLedger = attrs.field(repr=False, factory=EmptyLedger)
    progress: Progress = attrs.field(repr=False, default=_ignore_progress)
