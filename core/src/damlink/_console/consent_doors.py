"""The way to the consent page of a portal or a partner, and back, in the browser of an administrator."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import attrs
import httpx
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from damlink._console.attempts import LASTS, Attempts, Results
from damlink._console.cookies import CONSENT_COOKIE, read_cookie, set_cookie
from damlink._console.desk import Desk
from damlink._console.drafts import Drafts
from damlink._console.forms import read_form
from damlink._console.page import Page, Query, WrongRequestError, address_of, command_text
from damlink._console.render import render, render_error
from damlink._console.roles import CONSENT_RESULT, Visitor
from damlink._console.sessions import Sessions
from damlink._http.oauth2 import Consent
from damlink._run.session import Session
from damlink._run.sign_in import SignIn, open_sign_in, read_code
from damlink._secret import Secret
from damlink._state.audit import Audit
from damlink._state.users import Role
from damlink._system.printable import one_line
from damlink.errors import AuthError, ConfigError, DamlinkError, StateError

__all__ = ["ConsentDoors"]

# Waiting for the other side must not take the threads that answer pages.
MOST_AT_ONCE: Final = 4
_AGAIN: Final = "open the page of portals or of the connector, and sign in again"

_Answer: TypeAlias = Callable[[Request, Callable[[Desk], Response]], Response]
_OpenDesk: TypeAlias = Callable[[Request, Visitor], Desk]
_log = logging.getLogger("damlink.console")


@attrs.frozen
class _Target:
    """What a person signs in to.

    Attributes:
        name: of a portal, or of a connector.
        draft: the unwritten change that names it; empty if it is in the config.
    """

    name: str
    is_portal: bool
    draft: str

    @property
    def address(self) -> str:
        """The page that the person comes from."""
        if self.draft:
            return address_of("/draft", id=self.draft)
        return "/portals" if self.is_portal else address_of("/connector", connector=self.name)


@attrs.frozen
class _Attempt:
    """A sign-in under way.

    Attributes:
        url: of the consent page; a secret, since the id of the client is one at some partners.
        visitor: who has begun it.
    """

    target: _Target
    url: Secret
    consent: Consent
    visitor: Visitor


@attrs.frozen
class _Result:
    """What became of a sign-in: a problem with its cure, or a notice for the person, or neither."""

    target: _Target
    problem: str = ""
    notice: str = ""


class ConsentDoors:
    """Endpoints that begin a sign-in at a portal or a partner, finish it, and show what became of it.

    Args:
        session: lends its clock.
        answer: answers a request with the present config; an error is a page with its cure.
        open_desk: opens the present config for the visitor who has begun a sign-in.
    """

    def __init__(self, session: Session, sessions: Sessions, answer: _Answer, open_desk: _OpenDesk) -> None:
        self._sessions, self._answer, self._open_desk = sessions, answer, open_desk
        self._attempts: Attempts[_Attempt] = Attempts(session.now, _AGAIN)
        self._results: Results[_Result] = Results(session.now)
        self._limiter = CapacityLimiter(MOST_AT_ONCE)

    # --- to the other side -----------------------------------------------------------------------------

    async def begin(self, request: Request) -> Response:
        """Show the page that leads to the other side."""
        form = await read_form(request)
        if isinstance(form, Response):
            return form
        return await to_thread.run_sync(self._answer, request, lambda desk: self._begin(request, desk, form))

    def _begin(self, request: Request, desk: Desk, form: Query) -> Response:
        target, state = _read_target(form), secrets.token_urlsafe(32)
        with _open(desk, target) as sign_in:
            address = httpx.URL(sign_in.auth.consent_url(state, desk.consent_redirect_url))
            if address.scheme not in ("https", "http"):
                raise ConfigError("", f"{sign_in.name}: the consent page has no address of the web")
            attempt = _Attempt(target, Secret(str(address)), sign_in.auth.consent, request.state.visitor)
        _note(desk, attempt, "login begun")
        data = {"host": address.host, "redirect_url": desk.consent_redirect_url, "back": target.address}
        page = Page("sign_in.html", f"Sign in: {target.name}", command_text("login", target.name), data)
        answer = render(request, page)
        browser = self._attempts.begin(state, attempt)
        set_cookie(request, answer, browser, CONSENT_COOKIE, int(LASTS.total_seconds()))
        return answer

    def go(self, request: Request) -> Response:
        """Lead to the consent page of the sign-in that was begun in this browser.

        A link of ours leads here, and no form leads on to the other side: Chromium applies `form-action` to
        each redirect behind a form, and the policy would have to name the origins of portals and partners. So
        it stays `'self'`, and the address, which may hold the API key of a partner, is in no page.
        """
        attempt = self._attempts.find(read_cookie(request, CONSENT_COOKIE))
        if attempt is None:
            return render_error(request, 404, str(self._attempts.unknown()))
        return RedirectResponse(attempt.url.reveal(), 303)

    # --- and back ----------------------------------------------------------------------------------------

    async def finish(self, request: Request) -> Response:
        """Take the answer of the other side, and lead away from the address that has the code in it.

        The cookie of the session is `strict`: it does not come along from another site. That of the attempt
        does, and says with the state who has begun it.
        """
        # A HEAD request, as programs send to preview a link, must not use anything up.
        if request.method != "GET":
            return render_error(request, 405, "a browser comes here by itself")
        try:
            await to_thread.run_sync(self._finish, request, limiter=self._limiter)
        except StateError as error:
            return PlainTextResponse(f"{error}\n", 503)
        return RedirectResponse(CONSENT_RESULT, 303)

    def _finish(self, request: Request) -> None:
        browser, answer = read_cookie(request, CONSENT_COOKIE), _read_answer(request)
        try:
            attempt = self._attempts.take(browser, answer.get("state", ""))
        except AuthError as error:
            # Another site can send a browser here with any answer: what became of an earlier one stays.
            _warn(error)
            return
        try:
            result = _Result(attempt.target, notice=self._redeem(request, attempt, answer))
        except (DamlinkError, WrongRequestError) as error:
            _warn(error)
            result = _Result(attempt.target, problem=str(error))
        self._results.keep(browser, result)

    def _redeem(self, request: Request, attempt: _Attempt, answer: Mapping[str, str]) -> str:
        """Redeem the code for the person who has begun it, who must still be an administrator."""
        visitor, name = self._sessions.renew(attempt.visitor), attempt.target.name
        if visitor is None or not visitor.role.includes(Role.ADMINISTRATOR):
            raise AuthError(f"{name}: the session that began this sign-in has ended", hint=_AGAIN)
        with self._open_desk(request, visitor) as desk:
            try:
                code = read_code(answer, name, hint="sign in again, and allow it")
                with _open(desk, attempt.target) as sign_in:
                    sign_in.auth.consent = attempt.consent
                    notice = sign_in.redeem(code)
            except (DamlinkError, WrongRequestError) as error:
                _note(desk, attempt, "login failed", {"error": str(error)})
                raise
            _note(desk, attempt, "login")
        return notice

    def show(self, request: Request) -> Response:
        """Show what became of a sign-in, to the browser that began it."""
        result = self._results.find(read_cookie(request, CONSENT_COOKIE))
        if result is None:
            return render_error(request, 403, str(self._attempts.unknown()))
        name, address = result.target.name, result.target.address
        data = {"next": address, "notice": result.notice, "problem": result.problem}
        title = f"Not signed in: {name}" if result.problem else f"Signed in: {name}"
        page = Page("signed_in.html", title, command_text("login", name), data)
        answer = render(request, page, 403 if result.problem else 200)
        if not (result.notice or result.problem):
            # The cookie of the session is `strict`: a browser does not send it with a redirect that another
            # site has begun, but with the next page that this one asks for.
            answer.headers["refresh"] = f"0; url={address}"
        return answer


def _read_target(form: Query) -> _Target:
    portal, connector = form.get("portal", ""), form.get("connector", "")
    if bool(portal) is bool(connector):
        raise WrongRequestError("name a portal or a connector")
    return _Target(portal or connector, bool(portal), form.get("draft", ""))


def _read_answer(request: Request) -> Mapping[str, str]:
    """Return the query of an answer; nothing if a parameter is repeated.

    Source: RFC 6749, section 3.1.
    """
    pairs = request.query_params.multi_items()
    answer = dict(pairs)
    return answer if len(answer) == len(pairs) else {}


@contextmanager
def _open(desk: Desk, target: _Target) -> Iterator[SignIn]:
    """Open the sign-in of a portal or connector of the config, or of an unwritten change."""
    if not target.draft:
        yield open_sign_in(desk, target.name, is_portal=target.is_portal)
        return
    drafts = Drafts(desk)
    kept = drafts.load(target.draft)
    with drafts.draft(kept, is_tried=True).session(drafts.file(kept), keeps=True) as session:
        yield open_sign_in(session, target.name, is_portal=target.is_portal)


def _note(desk: Desk, attempt: _Attempt, action: str, details: Mapping[str, Any] | None = None) -> None:
    Audit(desk.database).note(attempt.visitor.user, action, attempt.target.name, details)


def _warn(error: Exception) -> None:
    _log.warning("a sign-in is refused: %s", one_line(str(error)))
