"""The way to the consent page of a portal or a partner, and back, in the browser of an administrator."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeAlias

import attrs
import httpx
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from damlink._console.attempts import LASTS, Attempts
from damlink._console.cookies import CONSENT_COOKIE, delete_cookie, read_cookie, set_cookie
from damlink._console.desk import Desk
from damlink._console.drafts import Drafts
from damlink._console.forms import read_form
from damlink._console.page import Page, Query, WrongRequestError, address_of, command_text
from damlink._console.render import render, render_error
from damlink._console.roles import CONSENT_RETURN
from damlink._http.oauth2 import Consent
from damlink._run.session import Session
from damlink._run.sign_in import SignIn, open_sign_in
from damlink._secret import Secret
from damlink._state.audit import Audit
from damlink._system.printable import one_line
from damlink.errors import AuthError, ConfigError, DamlinkError

__all__ = ["ConsentDoors"]

# Waiting for the other side must not take the threads that answer pages.
MOST_AT_ONCE: Final = 4
MOST_REASON: Final = 200
_AGAIN: Final = "open the page of portals or of the connector, and sign in again"

_Answer: TypeAlias = Callable[[Request, Callable[[Desk], Response]], Response]
_log = logging.getLogger("damlink.console")


@attrs.frozen
class _Attempt:
    """A sign-in under way.

    Attributes:
        draft: the unwritten change that names the portal or connector; empty if it is in the config.
        user: who has begun it.
    """

    name: str
    draft: str
    user: str
    consent: Consent


class ConsentDoors:
    """Endpoints that begin a sign-in at a portal or a partner, and finish it.

    Args:
        session: lends its clock.
        answer: answers a request with the present config; an error is a page with its cure.
    """

    def __init__(self, session: Session, answer: _Answer) -> None:
        self._answer = answer
        self._attempts: Attempts[_Attempt] = Attempts(session.now, _AGAIN)
        self._limiter = CapacityLimiter(MOST_AT_ONCE)

    async def begin(self, request: Request) -> Response:
        """Show the page that leads to the other side."""
        form = await read_form(request)
        if isinstance(form, Response):
            return form
        return await to_thread.run_sync(self._answer, request, lambda desk: self._begin(request, desk, form))

    def _begin(self, request: Request, desk: Desk, form: Query) -> Response:
        draft, redirect_url = form.get("draft", ""), f"{desk.origin}{CONSENT_RETURN}"
        with _open(desk, form.get("name", ""), draft) as sign_in:
            state = secrets.token_urlsafe(24)
            address = httpx.URL(sign_in.auth.consent_url(state, redirect_url))
            if address.scheme not in ("https", "http"):
                raise ConfigError("", f"{sign_in.name}: the consent page has no address of the web")
            attempt = _Attempt(sign_in.name, draft, request.state.visitor.user, sign_in.auth.consent)
        # A link, and no redirect: the browser would refuse one to another site behind a form of ours, and
        # the policy that it goes by stays as narrow as it is.
        data = {"host": address.host, "redirect_url": redirect_url}
        command = command_text("login", attempt.name)
        page = Page("sign_in.html", f"Sign in: {attempt.name}", command, data, link=str(address))
        answer = render(request, page)
        browser = self._attempts.begin(state, attempt)
        set_cookie(request, answer, browser, CONSENT_COOKIE, int(LASTS.total_seconds()))
        return answer

    async def finish(self, request: Request) -> Response:
        """Store the token of the person who comes back from the other side."""
        # A HEAD request, as programs send to preview a link, must not use anything up.
        if request.method != "GET":
            return render_error(request, 405, "a browser comes here by itself")
        return await to_thread.run_sync(self._finish, request, limiter=self._limiter)

    def _finish(self, request: Request) -> Response:
        try:
            attempt = self._attempts.take(
                read_cookie(request, CONSENT_COOKIE), request.query_params.get("state", "")
            )
        except AuthError as error:
            return _refuse(request, error)
        return self._answer(request, lambda desk: _redeem(request, desk, attempt))


def _redeem(request: Request, desk: Desk, attempt: _Attempt) -> Response:
    try:
        code = _code_of(attempt.name, request.query_params)
        with _open(desk, attempt.name, attempt.draft) as sign_in:
            sign_in.auth.consent = attempt.consent
            notice = sign_in.redeem(code)
    except (DamlinkError, WrongRequestError) as error:
        return _refuse(request, error)
    Audit(desk.database).note(attempt.user, "login", attempt.name)
    behind = _address_behind(desk, attempt)
    # The cookie of the session is `strict`: a browser does not send it with a redirect that another site has
    # begun, but with the next page that this one asks for. The code leaves the address with this page.
    page = Page("signed_in.html", f"Signed in: {attempt.name}", command_text("login", attempt.name), {})
    data = {"next": behind, "notice": notice}
    answer = render(request, attrs.evolve(page, data=data))
    if not notice:
        answer.headers["refresh"] = f"0; url={behind}"
    delete_cookie(request, answer, CONSENT_COOKIE)
    return answer


def _code_of(name: str, answer: Mapping[str, str]) -> Secret:
    """Return the code of an answer.

    Raises:
        AuthError: consent was refused.
    """
    if answer.get("code"):
        return Secret(answer["code"])
    reason = one_line(answer.get("error", ""))[:MOST_REASON] or "no reason given"
    raise AuthError(f"{name}: consent was refused: {reason}", hint="sign in again, and allow it")


@contextmanager
def _open(desk: Desk, name: str, draft: str) -> Iterator[SignIn]:
    """Open the sign-in of a portal or connector of the config, or of an unwritten change."""
    if not draft:
        yield open_sign_in(desk, name)
        return
    drafts = Drafts(desk)
    kept = drafts.load(draft)
    with drafts.draft(kept, is_tried=True).session(drafts.file(kept), keeps=True) as session:
        yield open_sign_in(session, name)


def _address_behind(desk: Desk, attempt: _Attempt) -> str:
    if attempt.draft:
        return address_of("/draft", id=attempt.draft)
    if attempt.name in desk.config.portals:
        return "/portals"
    return address_of("/connector", connector=attempt.name)


def _refuse(request: Request, error: Exception) -> Response:
    _log.warning("a sign-in is refused: %s", one_line(str(error)))
    refusal = render_error(request, 403, str(error))
    delete_cookie(request, refusal, CONSENT_COOKIE)
    return refusal
