"""Records of one connector: its parsed settings, and all that a run of it needs."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

import attrs
import httpx

from damlink._config.duration import Duration
from damlink._config.settings import selection_of
from damlink._config.tables import ConnectorConfig, PortalConfig
from damlink._context import Context
from damlink._plugin.hooks import Plugin
from damlink.bynder import Portal

__all__ = ["ConnectorLog", "ConnectorRuntime", "ParsedConnector"]


@attrs.frozen
class ParsedConnector:
    """A connector with its settings and those of its portal, parsed once for a run."""

    config: ConnectorConfig
    plugin: Plugin
    settings: Any
    portal: PortalConfig


@attrs.frozen(kw_only=True)
class ConnectorRuntime:
    """One connector with everything that it needs, for one run."""

    config: ConnectorConfig
    plugin: Plugin
    auth: httpx.Auth | None
    context: Context
    portal: Portal
    siblings: tuple[str, ...]
    interval: Duration | None

    @property
    def name(self) -> str:
        """The connector's name."""
        return self.config.name

    @property
    def selection(self) -> str:
        """A digest of the settings that decide what is listed."""
        chosen = json.dumps(selection_of(self.context.settings), sort_keys=True, default=str)
        return hashlib.sha256(chosen.encode()).hexdigest()[:16]


class ConnectorLog(logging.LoggerAdapter[logging.Logger]):
    """Log adapter that begins every line with the connector's name."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Return the message with the name before it."""
        extra: Mapping[str, object] = self.extra or {}
        return f"{extra['connector']}: {msg}", kwargs
