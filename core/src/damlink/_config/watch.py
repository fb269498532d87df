"""Notices that `damlink.toml` has changed, and whether a connector has been disabled meanwhile."""

from __future__ import annotations

import os
import threading
import time
import tomllib
from pathlib import Path
from typing import Any, Final

from damlink._config.load import Config
from damlink.errors import NotYet

__all__ = ["ConnectorSwitch", "Signature", "signature_of"]

RECENT_SECONDS: Final = 0.25

Signature = tuple[int, int, int] | None
"""Changes whenever a file is replaced or written; `None` while there is none."""


def signature_of(path: Path) -> Signature:
    """Return what tells one version of a file from the next."""
    try:
        # Opened, and not only asked for: a network file system looks at its server then.
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class ConnectorSwitch:
    """Tells whether a connector has been disabled, or taken out of the config, since the config was read.

    The file is the only place that says so: it is looked at before each request that must not be sent then,
    and parsed where it has changed. Nothing else in it counts: a fault elsewhere keeps no connector going.
    A connector that was disabled from the start runs because a person named it, and is left alone.
    """

    def __init__(self, config: Config, name: str) -> None:
        self._path, self._name = config.path, name
        self._is_watched = name in config.connectors and config.connectors[name].enabled
        self._lock = threading.Lock()
        self._seen: Signature = None
        self._off = False
        self._looked_at = float("-inf")

    def is_off(self, *, recent: bool = False) -> bool:
        """Return whether it is disabled now.

        Args:
            recent: an answer of a quarter of a second ago will do.
        """
        if not self._is_watched:
            return False
        with self._lock:
            if not recent or time.monotonic() - self._looked_at > RECENT_SECONDS:
                self._look()
            return self._off

    def verify(self) -> None:
        """Make sure that it is still enabled, as the last thing before a request that cannot be undone.

        Raises:
            NotYet: it is disabled; nothing was sent.
        """
        if self.is_off():
            raise NotYet(f"{self._name} is disabled")

    def _look(self) -> None:
        found = signature_of(self._path)
        self._looked_at = time.monotonic()
        if found != self._seen:
            self._seen = found
            self._off = self._read()

    def _read(self) -> bool:
        """Return what the file says. One that is missing or half written changes nothing."""
        try:
            document = tomllib.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return self._off
        connectors: Any = document.get("connectors")
        if not isinstance(connectors, dict):
            return self._off
        table = connectors.get(self._name)
        return table is None or (isinstance(table, dict) and table.get("enabled") is False)
