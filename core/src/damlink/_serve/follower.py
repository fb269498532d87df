"""Follows `damlink.toml` while `damlink serve` runs: a good version is applied, a faulty one is shown."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from damlink._config.load import Config, load
from damlink._config.watch import Signature, signature_of
from damlink._run.session import Session
from damlink.errors import ConfigError

__all__ = ["ConfigFollower"]

POLL_SECONDS: Final = 0.3  # a version that stays the same from one look to the next is whole

_log = logging.getLogger("damlink.serve")


class ConfigFollower:
    """A worker that applies each new version of the config to what runs.

    What cannot change while the process runs (`[state]`, and where it listens) stays as it was, and the log
    says that it takes a restart.

    Args:
        followers: called once the session has the new config; each returns what it could not apply.
    """

    def __init__(self, session: Session, followers: Sequence[Callable[[], list[str]]]) -> None:
        self._session, self._followers = session, [*followers]
        self._stopped = threading.Event()
        self._applied: Signature = signature_of(session.config.path)
        self._last: Signature = self._applied
        self._thread = threading.Thread(target=self._run, name="config", daemon=True)
        self.error = ""

    def add(self, follower: Callable[[], list[str]]) -> None:
        """Add one that is made later; before it starts."""
        self._followers.append(follower)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def wake(self) -> None:
        """Do nothing: events change no config."""

    def stop(self) -> None:
        """Ask it to end."""
        self._stopped.set()

    def join(self, timeout: float) -> bool:
        """Wait for its end."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Whether it follows."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            try:
                self.step()
            except Exception:  # noqa: BLE001 - a bug must not end it: the next version may be applied
                _log.exception("the config is not applied: a bug")

    def step(self) -> None:
        """Apply a new version, once it has been the same twice."""
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
    """Keep what takes a restart, and say so. Where it listens may come from the command line."""
    if new.state != old.state:
        _log.warning("[state] has changed: restart `damlink serve` to use it")
    serve = attrs.evolve(new.serve, host=old.serve.host, port=old.serve.port)
    return attrs.evolve(new, state=old.state, serve=serve)


def _differences(old: Config, new: Config) -> str:
    """Say which connectors run, rest or have changed now."""
    before = {name for name, each in old.connectors.items() if each.enabled}
    after = {name for name, each in new.connectors.items() if each.enabled}
    both = sorted(before & after)
    groups = {
        "now runs": sorted(after - before),
        "rests now": sorted(before - after),
        "changed": [name for name in both if old.connectors[name] != new.connectors[name]],
    }
    return "".join(f"; {what}: {', '.join(names)}" for what, names in groups.items() if names)
