"""The ways in and out of the console: a one-time link, a password, and the end of a session."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from damlink._console.cookies import delete_cookie, read_cookie, set_cookie
from damlink._console.forms import read_form
from damlink._console.render import render_login
from damlink._console.sessions import Sessions
from damlink.errors import StateError

__all__ = ["Doors"]

P = ParamSpec("P")
WRONG: Final = "name and password do not belong together"
TOO_MANY: Final = "too many wrong passwords; wait, and try again"


def _naming_errors(
    answer: Callable[Concatenate[Doors, Request, P], Response],
) -> Callable[Concatenate[Doors, Request, P], Response]:
    """Answer with the error of a database that cannot be used."""

    @functools.wraps(answer)
    def answer_or_name(doors: Doors, request: Request, /, *given: P.args, **named: P.kwargs) -> Response:
        try:
            return answer(doors, request, *given, **named)
        except StateError as error:
            return PlainTextResponse(f"{error}\n", 503)

    return answer_or_name


class Doors:
    """Endpoints that begin and end sessions."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @_naming_errors
    def enter(self, request: Request) -> Response:
        """Use a one-time link up, and begin a session."""
        # A HEAD request, as programs send to preview a link, must not use it up.
        secret = (
            self._sessions.begin(request.query_params.get("link", "")) if request.method == "GET" else None
        )
        if secret is None:
            why = "this link was used, or is too old; run `damlink console` again and open its address"
            return PlainTextResponse(f"{why}\n", 401)
        return self._let_in(request, secret)

    @_naming_errors
    def show_login(self, request: Request) -> Response:
        """Show the form that asks for name and password."""
        return render_login(request, 200, "", self._sessions)

    async def login(self, request: Request) -> Response:
        """Begin a session by a password."""
        form = await read_form(request)
        if isinstance(form, Response):
            return form
        name, password = form.get("name", ""), form.get("password", "")
        return await to_thread.run_sync(self._sign_in, request, name, password)

    @_naming_errors
    def _sign_in(self, request: Request, name: str, password: str) -> Response:
        if (seconds := self._sessions.wait_seconds(name)) > 0:
            answer = render_login(request, 429, TOO_MANY, self._sessions)
            answer.headers["retry-after"] = str(math.ceil(seconds))
            return answer
        secret = self._sessions.sign_in(name, password)
        if secret is None:
            return render_login(request, 401, WRONG, self._sessions)
        return self._let_in(request, secret)

    def _let_in(self, request: Request, secret: str) -> Response:
        """Answer with a new session; the one that the browser had ends."""
        if earlier := read_cookie(request):
            self._sessions.end(earlier)
        answer = RedirectResponse("/", 303)
        set_cookie(request, answer, secret)
        return answer

    @_naming_errors
    def leave(self, request: Request) -> Response:
        """End the session."""
        self._sessions.end(read_cookie(request))
        answer = PlainTextResponse("you have left the console\n")
        delete_cookie(request, answer)
        return answer
