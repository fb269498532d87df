"""The checks that every request passes before a page sees it, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from damlink._console.sessions import Sessions

__all__ = ["COOKIE", "OPEN_PATHS", "SAFE_METHODS", "Guard"]

COOKIE: Final = "damlink_console"
# What needs no session: the one-time link itself, and the style of the page that refuses it.
OPEN_PATHS: Final = ("/enter", "/console.css")
SAFE_METHODS: Final = ("GET", "HEAD")

_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    # With `no-referrer`, a browser sends `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "vary": "Accept, Cookie",
}


class Guard:
    """The application behind its checks. It is the outermost part, so that errors carry the headers too.

    Args:
        hosts: the values of `Host` that are answered; another one is a name that was rebound to us.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions, hosts: Collection[str]) -> None:
        self._app, self._sessions, self._hosts = app, sessions, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await (self._refusal(scope) or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if headers.getlist("host") not in [[host] for host in self._hosts]:
            return _refuse(421, "this address is not the console's")
        if scope["method"] not in SAFE_METHODS and not _is_own(headers):
            return _refuse(403, "this did not come from a page of the console")
        if scope["path"] not in OPEN_PATHS and not self._is_signed_in(scope):
            return _refuse(401, "the session has ended; run `damlink console` again and open its address")
        return None

    def _is_signed_in(self, scope: Scope) -> bool:
        return self._sessions.touch(Request(scope).cookies.get(COOKIE, ""))


def _is_own(headers: Headers) -> bool:
    """Return whether a request was made by a page of ours; a program says the same."""
    site = headers.getlist("sec-fetch-site")
    return headers.getlist("origin") == [f"http://{headers['host']}"] and site in ([], ["same-origin"])


def _refuse(status: int, why: str) -> Response:
    return PlainTextResponse(f"{why}\n", status)
