"""Damlink: connect a Bynder portal with other systems.

Everything a plugin needs is here; `hookspecs` holds the contract.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from damlink._version import __version__

if TYPE_CHECKING:
    from damlink._checkpoint import Checkpoint
    from damlink._config.settings import setting
    from damlink._content import Content, ContentFile, Spool
    from damlink._context import Context
    from damlink._http.auth import Auth, HeaderAuth, Response
    from damlink._http.client import Client
    from damlink._http.oauth2 import OAuth2
    from damlink._http.origin import origin_of, parse_url
    from damlink._http.pages import read_pages, wait_for
    from damlink._http.rate import Rate, read_rate
    from damlink._http.token_auth import TokenAuth
    from damlink._http.typed_answer import read_as
    from damlink._model import (
        About,
        Cursor,
        Estimate,
        Event,
        Finding,
        LedgerEntry,
        PreparedAsset,
        PushResult,
        Removed,
        Skip,
        SourceAsset,
    )
    from damlink._secret import Secret
    from damlink._system.backoff import Backoff, Poll
    from damlink._system.suggest import suggest
    from damlink._upload.noted_delivery import NotedDelivery
    from damlink.bynder import Portal
    from damlink.errors import (
        AssetRejectedError,
        AuthError,
        ConfigError,
        NotYet,
        TransientError,
        UnclearError,
    )
    from damlink.hookspecs import hookimpl

__all__ = [
    "About",
    "AssetRejectedError",
    "Auth",
    "AuthError",
    "Backoff",
    "Checkpoint",
    "Client",
    "ConfigError",
    "Content",
    "ContentFile",
    "Context",
    "Cursor",
    "Estimate",
    "Event",
    "Finding",
    "HeaderAuth",
    "LedgerEntry",
    "NotYet",
    "NotedDelivery",
    "OAuth2",
    "Poll",
    "Portal",
    "PreparedAsset",
    "PushResult",
    "Rate",
    "Removed",
    "Response",
    "Secret",
    "Skip",
    "SourceAsset",
    "Spool",
    "TokenAuth",
    "TransientError",
    "UnclearError",
    "__version__",
    "hookimpl",
    "origin_of",
    "parse_url",
    "read_as",
    "read_pages",
    "read_rate",
    "setting",
    "suggest",
    "wait_for",
]

# Imported at their first use, so that `damlink --help` starts fast.
_MODULES = {
    "_checkpoint": ("Checkpoint",),
    "_config.settings": ("setting",),
    "_content": ("Content", "ContentFile", "Spool"),
    "_context": ("Context",),
    "_http.auth": ("Auth", "HeaderAuth", "Response"),
    "_http.client": ("Client",),
    "_http.oauth2": ("OAuth2",),
    "_http.origin": ("origin_of", "parse_url"),
    "_http.pages": ("read_pages", "wait_for"),
    "_http.rate": ("Rate", "read_rate"),
    "_http.token_auth": ("TokenAuth",),
    "_http.typed_answer": ("read_as",),
    "_model": (
        "About",
        "Cursor",
        "Estimate",
        "Event",
        "Finding",
        "LedgerEntry",
        "PreparedAsset",
        "PushResult",
        "Removed",
        "Skip",
        "SourceAsset",
    ),
    "_secret": ("Secret",),
    "_system.backoff": ("Backoff", "Poll"),
    "_system.suggest": ("suggest",),
    "_upload.noted_delivery": ("NotedDelivery",),
    "bynder": ("Portal",),
    "errors": ("AssetRejectedError", "AuthError", "ConfigError", "NotYet", "TransientError", "UnclearError"),
    "hookspecs": ("hookimpl",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'damlink' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"damlink.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
