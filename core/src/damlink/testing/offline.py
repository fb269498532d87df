"""A process without a network, as far as Python's own connections go."""

from __future__ import annotations

import contextlib
import functools
import socket
import sys
from collections.abc import Iterator
from typing import Any

from damlink.errors import PluginBugError

__all__ = ["forbid_connections"]

_forbidden: list[object] = []


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not _forbidden or event not in ("socket.connect", "socket.getaddrinfo"):
        return
    if event == "socket.connect" and arguments[0].family == getattr(socket, "AF_UNIX", None):
        return
    raise PluginBugError(
        "it opens a connection of its own, which is neither recorded nor replayed",
        hint="send every request by ctx.http or ctx.bynder",
    )


@functools.cache
def _hook() -> None:
    """Add the audit hook; none can be removed again."""
    sys.addaudithook(_refuse)


@contextlib.contextmanager
def forbid_connections() -> Iterator[None]:
    """Let every new connection of this process fail, but those to a program on this machine."""
    _hook()
    token = object()
    _forbidden.append(token)
    try:
        yield
    finally:
        _forbidden.remove(token)
