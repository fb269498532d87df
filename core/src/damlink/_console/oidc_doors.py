"""The way into the console by an OpenID Connect issuer: to its page, and back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from damlink._console.attempts import LASTS
from damlink._console.cookies import OIDC_COOKIE, delete_cookie, read_cookie, set_cookie
from damlink._console.oidc import NoRoleError, Oidc
from damlink._console.page import Page
from damlink._console.render import render, render_error
from damlink._console.roles import OIDC_RETURN
from damlink._console.sessions import Sessions
from damlink._run.session import Session
from damlink._system.printable import one_line
from damlink.errors import AuthError, ConfigError, StateError

__all__ = ["OidcDoors"]

# Waiting for an issuer must not take the threads that answer pages.
MOST_AT_ONCE: Final = 4

_log = logging.getLogger("damlink.console")


class OidcDoors:
    """Endpoints that begin a sign-in at the issuer, and finish it."""

    def __init__(self, session: Session, sessions: Sessions) -> None:
        table = session.config.oidc
        self._oidc = Oidc(session, table) if table else None
        self._sessions = sessions
        self._limiter = CapacityLimiter(MOST_AT_ONCE)

    async def begin(self, request: Request) -> Response:
        """Lead to the issuer's page."""
        return await self._run(request, self._begin)

    async def finish(self, request: Request) -> Response:
        """Begin a session of the person who comes back from the issuer."""
        return await self._run(request, self._finish)

    async def _run(self, request: Request, answer: Callable[[Oidc, Request], Response]) -> Response:
        # A HEAD request, as programs send to preview a link, must not use anything up.
        if self._oidc is None or request.method != "GET":
            return render_error(request, 404, "there is no sign-in at an issuer here; see [console.oidc]")
        return await to_thread.run_sync(
            self._naming_errors, self._oidc, request, answer, limiter=self._limiter
        )

    def _naming_errors(
        self, oidc: Oidc, request: Request, answer: Callable[[Oidc, Request], Response]
    ) -> Response:
        try:
            return answer(oidc, request)
        except StateError as error:
            return PlainTextResponse(f"{error}\n", 503)
        except (AuthError, ConfigError) as error:
            _log.warning("a sign-in at %s is refused: %s", self._sessions.issuer, one_line(str(error)))
            status = 403 if request.url.path == OIDC_RETURN else 503
            refusal = render_error(request, status, str(error))
            delete_cookie(request, refusal, OIDC_COOKIE)
            return refusal

    def _begin(self, oidc: Oidc, request: Request) -> Response:
        redirect_url = f"{request.state.scheme}://{request.headers['host']}{OIDC_RETURN}"
        browser, address = oidc.begin(redirect_url)
        answer = RedirectResponse(address, 303)
        set_cookie(request, answer, browser, OIDC_COOKIE, int(LASTS.total_seconds()))
        return answer

    def _finish(self, oidc: Oidc, request: Request) -> Response:
        browser = read_cookie(request, OIDC_COOKIE)
        try:
            person = oidc.finish(browser, dict(request.query_params))
        except NoRoleError as error:
            self._sessions.shut_out(error.identity)
            raise
        secret = self._sessions.sign_in_at_issuer(person.identity, person.name, person.role)
        # The cookie of the session is `strict`: a browser does not send it with a redirect that another
        # site has begun, but with the next page that this one asks for.
        data = {"next": "/", "notice": "", "problem": ""}
        answer = render(request, Page("signed_in.html", "Signed in", "damlink users list", data))
        answer.headers["refresh"] = "0; url=/"
        if earlier := read_cookie(request):
            self._sessions.end(earlier)
        set_cookie(request, answer, secret)
        delete_cookie(request, answer, OIDC_COOKIE)
        return answer
