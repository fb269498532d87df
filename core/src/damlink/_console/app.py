"""The application of the console: addresses, forms, and errors as pages."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final
from urllib.parse import parse_qsl

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from damlink._config.load import load
from damlink._console.acts import ACTS
from damlink._console.asset_pages import export_assets
from damlink._console.desk import Desk, Texts
from damlink._console.guard import COOKIE, SAFE_METHODS, Guard
from damlink._console.jobs import Jobs
from damlink._console.page import Page, Query, WrongRequestError
from damlink._console.pages import PAGES
from damlink._console.render import read_style, render, render_error
from damlink._console.sessions import Sessions
from damlink._run.session import Session
from damlink._state.causes import Causes
from damlink.errors import ConfigError, DamlinkError, RunActiveError

__all__ = ["MOST_FIELDS", "MOST_FORM_BYTES", "guard", "make_app"]

MOST_FORM_BYTES: Final = 64 * 1024
MOST_FIELDS: Final = 99
_FORM: Final = "application/x-www-form-urlencoded"


def guard(app: Starlette, sessions: Sessions, hosts: Collection[str]) -> Guard:
    """Return the application behind its checks; without them it must not listen."""
    return Guard(app, sessions, hosts)


def make_app(session: Session, sessions: Sessions, jobs: Jobs | None = None) -> Starlette:
    """Return the application; `session` is open, and lends its database and pace to each request.

    Args:
        jobs: the commands that it starts; the caller closes them.
    """
    handlers = _Handlers(session, sessions, jobs or Jobs(session.config.path))
    pages = [Route(path, handlers.show(show), methods=["GET"]) for path, show in PAGES.items()]
    forms = [
        *(Route(path, handlers.change(act), methods=["POST"]) for path, act in ACTS.items()),
        Route("/leave", handlers.leave, methods=["POST"]),
    ]
    others = [
        Route("/enter", handlers.enter, methods=["GET"]),
        Route("/console.css", handlers.style, methods=["GET"]),
        Route("/export", handlers.export, methods=["GET"]),
    ]
    app = Starlette(routes=[*pages, *forms, *others])
    app.router.redirect_slashes = False
    return app


class _Handlers:
    def __init__(self, session: Session, sessions: Sessions, jobs: Jobs) -> None:
        self._session, self._sessions, self._jobs = session, sessions, jobs
        self._texts, self._causes = Texts(), Causes()
        self._style = read_style()

    def enter(self, request: Request) -> Response:
        """Use a one-time link up, and begin a session."""
        # A HEAD request, as programs send to preview a link, must not use it up.
        secret = (
            self._sessions.begin(request.query_params.get("link", "")) if request.method == "GET" else None
        )
        if secret is None:
            why = "this link was used, or is too old; run `damlink console` again and open its address"
            return PlainTextResponse(f"{why}\n", 401)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, secret, path="/", httponly=True, samesite="strict")
        return answer

    def leave(self, request: Request) -> Response:
        """End the session."""
        self._sessions.end(request.cookies.get(COOKIE, ""))
        answer = PlainTextResponse("you have left the console\n")
        answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return answer

    def style(self, _request: Request) -> Response:
        """Return the style sheet."""
        return Response(self._style, media_type="text/css")

    def export(self, request: Request) -> Response:
        """Return the assets of a filter as a file."""
        headers = {"content-disposition": 'attachment; filename="assets.csv"'}
        return self._answer(
            request,
            lambda desk: StreamingResponse(
                export_assets(desk, dict(request.query_params)), media_type="text/csv", headers=headers
            ),
        )

    def show(self, page: Callable[[Desk, Query], Page]) -> Callable[[Request], Response]:
        """Return the endpoint of a page."""
        return lambda request: self._answer(
            request, lambda desk: render(request, page(desk, dict(request.query_params)))
        )

    def change(self, do: Callable[[Desk, Query], str | Page]) -> Callable[[Request], object]:
        """Return the endpoint of a form, which leads to the page that shows the change."""

        async def changed(request: Request) -> Response:
            form = await _read_form(request)
            if isinstance(form, Response):
                return form
            return await to_thread.run_sync(
                self._answer, request, lambda desk: _result(request, do(desk, form))
            )

        return changed

    def _answer(self, request: Request, answer: Callable[[Desk], Response]) -> Response:
        """Answer with the present config; an error is a page with its cure."""
        base = self._session
        try:
            config = load(base.config.path)
        except ConfigError as error:
            return render_error(request, 503, str(error))
        try:
            with Desk(config, base, self._jobs, self._texts, self._causes) as desk:
                return answer(desk)
        except WrongRequestError as error:
            return render_error(request, 400, str(error))
        except DamlinkError as error:
            return render_error(request, _status_of(error, request), str(error))


def _result(request: Request, done: str | Page) -> Response:
    """Return the page that shows a change, or lead to it."""
    return render(request, done) if isinstance(done, Page) else RedirectResponse(done, 303)


def _status_of(error: DamlinkError, request: Request) -> int:
    """Return the status: what a form asks for does not fit the present state, or there is no such thing."""
    if isinstance(error, RunActiveError):
        return 409
    if not isinstance(error, ConfigError):
        return 503
    return 404 if request.method in SAFE_METHODS else 409


async def _read_form(request: Request) -> Query | Response:
    """Return the fields of a form, or the refusal."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return render_error(request, 415, "send a form")
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MOST_FORM_BYTES:
                return render_error(request, 413, "the form is too large")
    except ClientDisconnect:
        return PlainTextResponse("cut off\n", 400)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        return render_error(request, 400, "this is no form")
    # The asset is named in the address: a browser would change line breaks of a field.
    return {**request.query_params, **dict(pairs)}
