"""The checks that every request passes before a page sees it, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from damlink._console.cookies import read_cookie
from damlink._console.live import end_text
from damlink._console.render import render_error, render_login, wants_json
from damlink._console.roles import LASTING_PATHS, LIVE_PATH, OPEN_PATHS, SAFE_METHODS, Visitor, least_role
from damlink._console.sessions import Sessions
from damlink.errors import StateError

__all__ = ["EVENT_STREAM", "Guard", "wants_stream"]

EVENT_STREAM: Final = "text/event-stream"

_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; connect-src 'self'; "
    "style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    # With `no-referrer`, a browser sends `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "vary": "Accept, Accept-Encoding, Cookie, Authorization",
}
_LASTING_HEADERS: Final = {"cache-control": "private, max-age=31536000, immutable"}
_TLS_HEADERS: Final = {"strict-transport-security": "max-age=31536000"}


class Guard:
    """The application behind its checks. It is the outermost part, so that errors carry the headers too.

    Args:
        hosts: the values of `Host` that are answered, with the scheme by which a browser reaches each;
            another one is a name that was rebound to us.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions, hosts: Mapping[str, str]) -> None:
        self._app, self._sessions, self._hosts = app, sessions, dict(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        scheme = self._hosts.get(headers.get("host", ""), "http")
        scope["state"] = {"scheme": scheme, "visitor": None}

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
                if scope["path"] in LASTING_PATHS and message["status"] == 200:
                    MutableHeaders(scope=message).update(_LASTING_HEADERS)
                if scheme == "https":
                    MutableHeaders(scope=message).update(_TLS_HEADERS)
            await send(message)

        refusal = self._refuse_other_sites(scope, headers) or await self._refuse_strangers(scope, headers)
        await (refusal or self._app)(scope, receive, send_guarded)

    def _refuse_other_sites(self, scope: Scope, headers: Headers) -> Response | None:
        if headers.getlist("host") not in [[host] for host in self._hosts]:
            return _refuse(scope, 421, "this address is not the console's")
        if scope["method"] not in SAFE_METHODS and not _is_own(headers, scope["state"]["scheme"]):
            return _refuse(scope, 403, "this did not come from a page of the console")
        return None

    async def _refuse_strangers(self, scope: Scope, headers: Headers) -> Response | None:
        if scope["path"] in OPEN_PATHS:
            return None
        try:
            visitor = await to_thread.run_sync(self._admit, scope, headers)
            if visitor is None:
                return await to_thread.run_sync(self._ask_to_sign_in, scope)
        except StateError as error:
            return _refuse(scope, 503, str(error))
        scope["state"]["visitor"] = visitor
        least = least_role(scope["method"], scope["path"])
        if not visitor.role.includes(least):
            return _refuse(scope, 403, f"this takes the role {least}, and {visitor.name} has {visitor.role}")
        return None

    def _admit(self, scope: Scope, headers: Headers) -> Visitor | None:
        """Return who has sent the request; a wrong token is not made good by a cookie."""
        if "authorization" in headers:
            kind, _, token = headers["authorization"].partition(" ")
            return self._sessions.admit_token(token) if kind.lower() == "bearer" else None
        is_use = scope["path"] != LIVE_PATH and "hx-request" not in headers
        return self._sessions.admit(read_cookie(Request(scope)), is_use=is_use)

    def _ask_to_sign_in(self, scope: Scope) -> Response:
        if scope["path"] == LIVE_PATH and wants_stream(Request(scope)):
            # A refusal would make the browser ask again and again.
            return Response(end_text("the session has ended"), media_type=EVENT_STREAM)
        if "authorization" in Headers(scope=scope):
            return _refuse(
                scope, 401, "this token is not known, or has ended; `damlink users token` makes one"
            )
        if wants_json(Request(scope)):
            return _refuse(scope, 401, "a token is missing; send it as `Authorization: Bearer TOKEN`")
        if self._sessions.has_users or self._sessions.issuer:
            return render_login(Request(scope), 401, "", self._sessions)
        why = "the session has ended; run `damlink console` again and open its address"
        return _refuse(scope, 401, why)


def wants_stream(request: Request) -> bool:
    """Return whether a browser asks for a stream of events."""
    return request.method == "GET" and EVENT_STREAM in request.headers.get("accept", "")


def _is_own(headers: Headers, scheme: str) -> bool:
    """Return whether a request was made by a page of ours; a program says the same.

    What has a token needs no origin: no browser adds one by itself.
    """
    site, origin = headers.getlist("sec-fetch-site"), headers.getlist("origin")
    if "authorization" in headers and not origin and not site:
        return True
    return origin == [f"{scheme}://{headers['host']}"] and site in ([], ["same-origin"])


def _refuse(scope: Scope, status: int, why: str) -> Response:
    request = Request(scope)
    if wants_json(request):
        return render_error(request, status, why)
    return PlainTextResponse(f"{why}\n", status)
