"""Reloading of `damlink.toml` while `damlink serve` runs: applies valid versions, reports invalid ones."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from damlink._config.load import Config, load
from damlink._config.watch import Signature, signature_of
from damlink._run.session import Session
from damlink._serve.service import OneThread
from damlink.errors import ConfigError

__all__ = ["ConfigFollower"]

POLL_SECONDS: Final = 0.3  # a version that is the same in two consecutive polls is completely written

_log = logging.getLogger("damlink.serve")


class ConfigFollower(OneThread):
    """Background service that applies each new version of the config to the running process.

    `[state]` and the address to listen on cannot change while the process runs: they keep their values, and
    the log says that a restart is needed.

    Args:
        followers: called after the session has received the new config; each returns what it could not apply.

    Attributes:
        error: why the latest version is not applied, or an empty string.
    """

    def __init__(self, session: Session, followers: Sequence[Callable[[], list[str]]]) -> None:
        super().__init__("config", self._run)
        self._session, self._followers = session, [*followers]
        self._stopped = threading.Event()
        self._applied: Signature = signature_of(session.config.path)
        self._last: Signature = self._applied
        self.error = ""

    def add(self, follower: Callable[[], list[str]]) -> None:
        """Add a follower; only before the start."""
        self._followers.append(follower)

    def stop(self) -> None:
        """Ask the thread to end."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            try:
                self.step()
            except Exception:  # noqa: BLE001 - a bug must not stop it: the next version may be valid
                _log.exception("the config is not applied: a bug")

    def step(self) -> None:
        """Apply a new version as soon as two consecutive polls found it unchanged."""
        found = signature_of(self._session.config.path)
        is_whole, self._last = found == self._last, found
        if found == self._applied or not is_whole:
            return
        self._applied = found
        try:
            self._apply(load(self._session.config.path))
        except ConfigError as error:
            self._show(str(error))

    def _apply(self, new: Config) -> None:
        old = self._session.config
        kept = _with_fixed_parts(old, new)
        self._session.follow(kept)
        faults = [fault for follow in self._followers for fault in follow()]
        _log.info("config applied%s", _differences(old, kept))
        self._show("; ".join(faults))

    def _show(self, fault: str) -> None:
        self.error = f"the config is not applied, and what was before goes on: {fault}" if fault else ""
        if fault:
            _log.error("%s", self.error)


def _with_fixed_parts(old: Config, new: Config) -> Config:
    """Return the new config with the old values of what needs a restart, and log that."""
    if new.state != old.state:
        _log.warning("[state] has changed: restart `damlink serve` to use it")
    # Not reported: host and port may come from options of the command line.
    serve = attrs.evolve(new.serve, host=old.serve.host, port=old.serve.port)
    if (new.console, new.oidc) != (old.console, old.oidc):
        _log.warning("[console] has changed: restart `damlink serve` to use it")
    return attrs.evolve(new, state=old.state, serve=serve, console=old.console, oidc=old.oidc)


def _differences(old: Config, new: Config) -> str:
    """Return which connectors are enabled, disabled or changed by the new config, as text for the log."""
    before = {name for name, each in old.connectors.items() if each.enabled}
    after = {name for name, each in new.connectors.items() if each.enabled}
    both = sorted(before & after)
    groups = {
        "now runs": sorted(after - before),
        "rests now": sorted(before - after),
        "changed": [name for name in both if old.connectors[name] != new.connectors[name]],
    }
    return "".join(f"; {what}: {', '.join(names)}" for what, names in groups.items() if names)
