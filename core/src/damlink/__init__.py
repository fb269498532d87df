"""Damlink: connect a Bynder portal with other systems.

Everything a plugin needs is here; `hookspecs` holds the contract.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from damlink._config.settings import setting
from damlink._content import Content, ContentFile, Spool
from damlink._model import About, Cursor, Event, Finding, PreparedAsset, PushResult, Skip, SourceAsset
from damlink._secret import Secret
from damlink._system.backoff import Backoff, Poll
from damlink._system.suggest import suggest
from damlink._version import __version__
from damlink.errors import AssetRejectedError, AuthError, NotYet, TransientError, UnclearError

if TYPE_CHECKING:
    from damlink._checkpoint import Checkpoint
    from damlink._context import Context
    from damlink._http.auth import Auth, HeaderAuth, Response
    from damlink._http.client import Client
    from damlink._http.oauth2 import OAuth2
    from damlink._http.origin import origin_of, parse_url
    from damlink.bynder import Portal
    from damlink.hookspecs import hookimpl

__all__ = [
    "About",
    "AssetRejectedError",
    "Auth",
    "AuthError",
    "Backoff",
    "Checkpoint",
    "Client",
    "Content",
    "ContentFile",
    "Context",
    "Cursor",
    "Event",
    "Finding",
    "HeaderAuth",
    "NotYet",
    "OAuth2",
    "Poll",
    "Portal",
    "PreparedAsset",
    "PushResult",
    "Response",
    "Secret",
    "Skip",
    "SourceAsset",
    "Spool",
    "TransientError",
    "UnclearError",
    "__version__",
    "hookimpl",
    "origin_of",
    "parse_url",
    "setting",
    "suggest",
]

# These bring httpx or pluggy with them; `damlink --help` must not.
_ON_FIRST_USE = {
    "Auth": "damlink._http.auth",
    "Checkpoint": "damlink._checkpoint",
    "Client": "damlink._http.client",
    "Context": "damlink._context",
    "HeaderAuth": "damlink._http.auth",
    "OAuth2": "damlink._http.oauth2",
    "Portal": "damlink.bynder",
    "Response": "damlink._http.auth",
    "hookimpl": "damlink.hookspecs",
    "origin_of": "damlink._http.origin",
    "parse_url": "damlink._http.origin",
}


def __getattr__(name: str) -> Any:
    module = _ON_FIRST_USE.get(name)
    if module is None:
        raise AttributeError(f"module 'damlink' has no attribute {name!r}")
    return getattr(importlib.import_module(module), name)


def __dir__() -> list[str]:
    return sorted(__all__)
