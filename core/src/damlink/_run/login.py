"""Sign-in from the command line with a browser; the answer arrives on loopback.

Source: RFC 8252, section 7.3 (redirects to loopback).
"""

from __future__ import annotations

import secrets
import time
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final

import httpx

from damlink._run.sign_in import SignIn, is_consent, read_code
from damlink._secret import Secret
from damlink.errors import AuthError, ConfigError

__all__ = ["log_in"]

CONSENT_TIMEOUT_SECONDS: Final = 300.0
_PAGE: Final = "<!doctype html><title>Damlink</title><p>{}"
_THANKS: Final = "Thank you. You can close this page."
_REFUSED: Final = "Consent was refused, so Damlink is not signed in. You can close this page."
_UNRELATED: Final = (
    "This answer does not belong to the sign-in that Damlink waits for. You can close this page."
)


def log_in(sign_in: SignIn, show: Callable[[str], None]) -> str:
    """Wait for a person's consent, and store the token.

    Args:
        show: opens the consent page, or prints its address.

    Returns:
        A notice for the person, or an empty text.

    Raises:
        AuthError: consent was refused, or did not arrive in time.
    """
    state, auth = secrets.token_urlsafe(24), sign_in.auth
    with _server(auth.redirect_url, state, sign_in.name) as server:
        show(auth.consent_url(state))
        code = _wait(server, sign_in.name)
    return sign_in.redeem(code)


class _Server(HTTPServer):
    """HTTP server that receives one answer at the redirect address."""

    def __init__(self, address: tuple[str, int], path: str, state: str) -> None:
        super().__init__(address, _Handler)
        self.path = path
        self.state = state
        self.answers: list[dict[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    """Handler of one request of the browser."""

    server: _Server
    timeout = 10.0  # seconds for a connection that sends nothing

    def do_GET(self) -> None:
        """Store the query of the redirect; refuse every other request."""
        url = urllib.parse.urlsplit(self.path)
        if url.path != self.server.path:
            self.send_error(404)
            return
        answer = dict(urllib.parse.parse_qsl(url.query))
        if answer.get("state") != self.server.state:
            self._show(400, _UNRELATED)
            return
        self.server.answers.append(answer)
        self._show(200, _THANKS if is_consent(answer) else _REFUSED)

    def _show(self, status: int, text: str) -> None:
        page = _PAGE.format(text).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Log nothing: the address holds the code."""


def _server(redirect_url: str, state: str, name: str) -> _Server:
    url = httpx.URL(redirect_url)
    if url.host not in ("localhost", "127.0.0.1", "::1"):
        raise ConfigError("", f"{name}: redirect_url {redirect_url} is not on loopback")
    try:
        return _Server(("127.0.0.1", url.port or 80), url.path, state)
    except OSError as error:
        hint = "close the program that uses the port, or set redirect_url (and register it)"
        raise ConfigError("", f"{name}: cannot listen on {redirect_url}: {error}", hint=hint) from error


def _wait(server: _Server, name: str) -> Secret:
    deadline = time.monotonic() + CONSENT_TIMEOUT_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        server.timeout = left
        server.handle_request()
        if not server.answers:
            continue
        hint = f"run `damlink login {name}` again, and allow it"
        return read_code(server.answers[0], name, hint=hint)
    raise AuthError(f"{name}: no consent came within {CONSENT_TIMEOUT_SECONDS:.0f} s", hint="try again")
