"""A person's consent (OAuth 2.0 authorization code): a page at the other side, an answer on loopback.

Source: RFC 6749, section 4.1; RFC 8252, section 7.3 (redirects to loopback).
"""

from __future__ import annotations

import secrets
import time
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final

import httpx

from damlink._http import NetworkTransport, OAuth2
from damlink.errors import AuthError, ConfigError, TransientError

__all__ = ["log_in"]

PATIENCE_SECONDS: Final = 300.0
_PAGE: Final = b"<!doctype html><title>Damlink</title><p>Thank you. You can close this page."


def log_in(auth: OAuth2, name: str, show: Callable[[str], None]) -> None:
    """Get a person's consent, and keep the token it gives.

    Args:
        name: of the portal or connector, for errors.
        show: brings the person to the address of consent.

    Raises:
        AuthError: consent was refused, did not come, or was not for us.
    """
    state = secrets.token_urlsafe(24)
    with _server(auth.redirect_url, name) as server:
        show(auth.consent_url(state))
        code = _wait(server, state, name)
    try:
        with httpx.Client(transport=NetworkTransport(), timeout=60.0) as client:
            auth.redeem(code, client)
    except httpx.TransportError as error:
        raise TransientError(f"{name}: no answer from the token address: {error}") from error


class _Server(HTTPServer):
    """Takes one answer on the redirect address."""

    def __init__(self, address: tuple[str, int], path: str) -> None:
        super().__init__(address, _Handler)
        self.path = path
        self.answers: list[dict[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    """One request of the browser's."""

    server: _Server
    timeout = 10.0  # seconds for a connection that sends nothing

    def do_GET(self) -> None:
        """Note the query of the redirect; anything else is not for us."""
        url = urllib.parse.urlsplit(self.path)
        if url.path != self.server.path:
            self.send_error(404)
            return
        self.server.answers.append(dict(urllib.parse.parse_qsl(url.query)))
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(_PAGE)))
        self.end_headers()
        self.wfile.write(_PAGE)

    def log_message(self, *_: object) -> None:
        """Say nothing: the address holds the code."""


def _server(redirect_url: str, name: str) -> _Server:
    url = httpx.URL(redirect_url)
    if url.host not in ("localhost", "127.0.0.1", "::1"):
        raise ConfigError("", f"{name}: redirect_url {redirect_url} is not on loopback")
    try:
        return _Server(("127.0.0.1", url.port or 80), url.path)
    except OSError as error:
        hint = "close the program that uses the port, or set redirect_url (and register it)"
        raise ConfigError("", f"{name}: cannot listen on {redirect_url}: {error}", hint=hint) from error


def _wait(server: _Server, state: str, name: str) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        server.timeout = left
        server.handle_request()
        mine = [answer for answer in server.answers if answer.get("state") == state]
        if mine and "code" in mine[0]:
            return mine[0]["code"]
        if mine:
            raise AuthError(f"{name}: consent was refused: {mine[0].get('error', 'no reason given')}")
    raise AuthError(f"{name}: no consent came within {PATIENCE_SECONDS:.0f} s", hint="try again")
