"""Detection of changes to `damlink.toml`, and of a connector that is disabled while it runs."""

from __future__ import annotations

import os
import threading
import time
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from damlink._config.load import Config
from damlink.errors import NotYet

__all__ = ["ConnectorSwitch", "Signature", "signature_of"]

RECENT_SECONDS: Final = 0.25

Signature = tuple[int, int, int] | None
"""Value that changes when a file is replaced or written; `None` while there is none."""


def signature_of(path: Path) -> Signature:
    """Return the signature of a file's present version."""
    try:
        # A network file system asks its server only when a file is opened; `stat` may be cached.
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class ConnectorSwitch:
    """State of a connector's switch in the file: disabled, or removed, since the config was read.

    The file is the only source: it is examined before each request that must not be sent then, and parsed if
    it has changed. Only the switch counts: an error elsewhere in the file does not hide it. A connector that
    was disabled from the start runs because a person named it, and is not watched.
    """

    def __init__(self, config: Config, name: str) -> None:
        self._path, self._name = config.path, name
        self._is_watched = name in config.connectors and config.connectors[name].enabled
        self._lock = threading.Lock()
        self._seen: Signature = None
        self._off = False
        self._looked_at = float("-inf")

    def is_off(self, *, recent: bool = False) -> bool:
        """Return whether the connector is disabled now.

        Args:
            recent: accept an answer that is a quarter of a second old.
        """
        if not self._is_watched:
            return False
        with self._lock:
            if not recent or time.monotonic() - self._looked_at > RECENT_SECONDS:
                self._look()
            return self._off

    def verify(self) -> None:
        """Verify that it is enabled, immediately before a request that cannot be undone.

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
            self._off = self._read(found)

    def _read(self, signature: Signature) -> bool:
        """Read the switch from the file. A missing or half-written file changes nothing."""
        try:
            switches = _read_switches(self._path, signature)
        except (OSError, ValueError):
            return self._off
        return self._off if switches is None else switches.get(self._name, True)


# A process with very many connectors would parse the same file for each of their runs.
@lru_cache(maxsize=4)
def _read_switches(path: Path, _signature: Signature) -> Mapping[str, bool] | None:
    """Return whether each connector in the file is disabled; `None` if it has no table of them."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    connectors: Any = document.get("connectors")
    if not isinstance(connectors, dict):
        return None
    return {
        name: isinstance(table, dict) and table.get("enabled") is False for name, table in connectors.items()
    }
