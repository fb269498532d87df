"""The application of the console: addresses, forms, and errors as pages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from damlink._config.load import load
from damlink._console.guard import COOKIE, SAFE_METHODS, Guard
from damlink._console.pages import PAGES, Page, WrongRequestError
from damlink._console.render import read_style, render, render_error
from damlink._console.sessions import Sessions
from damlink._run.repair import retry, settle
from damlink._run.session import Session
from damlink.errors import ConfigError, DamlinkError, RunActiveError

__all__ = ["MOST_FORM_BYTES", "guard", "make_app"]

MOST_FORM_BYTES: Final = 16 * 1024
_FORM: Final = "application/x-www-form-urlencoded"

Form = Mapping[str, str]


def guard(app: Starlette, sessions: Sessions, hosts: Collection[str]) -> Guard:
    """Return the application behind its checks; without them it must not listen."""
    return Guard(app, sessions, hosts)


def make_app(session: Session, sessions: Sessions) -> Starlette:
    """Return the application; `session` is open, and lends its database and pace to each request."""
    handlers = _Handlers(session, sessions)
    pages = [Route(path, handlers.show(show), methods=["GET"]) for path, show in PAGES.items()]
    forms = [
        Route("/retry", handlers.change(_retry), methods=["POST"]),
        Route("/settle", handlers.change(_settle), methods=["POST"]),
        Route("/leave", handlers.leave, methods=["POST"]),
    ]
    others = [
        Route("/enter", handlers.enter, methods=["GET"]),
        Route("/console.css", handlers.style, methods=["GET"]),
    ]
    app = Starlette(routes=[*pages, *forms, *others])
    app.router.redirect_slashes = False
    return app


class _Handlers:
    def __init__(self, session: Session, sessions: Sessions) -> None:
        self._session, self._sessions = session, sessions
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

    def show(self, page: Callable[[Session, Form], Page]) -> Callable[[Request], Response]:
        """Return the endpoint of a page."""
        return lambda request: self._answer(
            request, lambda session: render(request, page(session, dict(request.query_params)))
        )

    def change(self, do: Callable[[Session, Form], str]) -> Callable[[Request], object]:
        """Return the endpoint of a form, which leads to the page that shows the change."""

        async def changed(request: Request) -> Response:
            form = await _read_form(request)
            if isinstance(form, Response):
                return form
            return await to_thread.run_sync(
                self._answer, request, lambda session: RedirectResponse(do(session, form), 303)
            )

        return changed

    def _answer(self, request: Request, answer: Callable[[Session], Response]) -> Response:
        """Answer with the present config; an error is a page with its cure."""
        base = self._session
        try:
            config = load(base.config.path)
        except ConfigError as error:
            return render_error(request, 503, str(error))
        try:
            with Session(config, database=base.database, pace=base.pace) as session:
                return answer(session)
        except WrongRequestError as error:
            return render_error(request, 400, str(error))
        except DamlinkError as error:
            return render_error(request, _status_of(error, request), str(error))


def _status_of(error: DamlinkError, request: Request) -> int:
    """Return the status: what a form asks for does not fit the present state, or there is no such thing."""
    if isinstance(error, RunActiveError):
        return 409
    if not isinstance(error, ConfigError):
        return 503
    return 404 if request.method in SAFE_METHODS else 409


async def _read_form(request: Request) -> Form | Response:
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
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        return render_error(request, 400, "this is no form")
    # The asset is named in the address: a browser would change line breaks of a field.
    return {**request.query_params, **dict(pairs)}


def _retry(session: Session, form: Form) -> str:
    """Make one asset due again; without an id nothing, where the command would take all."""
    name, source_id = _asset_of(session, form)
    retry(session.database, name, [source_id])
    return _address(name, source_id)


def _settle(session: Session, form: Form) -> str:
    name, source_id = _asset_of(session, form)
    arrived = form.get("arrived", "")
    if arrived not in ("yes", "no"):
        raise WrongRequestError("arrived is yes or no")
    target = form.get("target_id", "").strip()
    if arrived == "no" and target:
        raise WrongRequestError("an asset that has not arrived has no id in the portal")
    settle(session.database, session.cipher, name, source_id, saved=arrived == "yes", target_id=target)
    return _address(name, source_id)


def _asset_of(session: Session, form: Form) -> tuple[str, str]:
    source_id = form.get("id", "")
    if not source_id:
        raise WrongRequestError("id is missing")
    return session.config.connector(form.get("connector", "")).name, source_id


def _address(connector: str, source_id: str) -> str:
    return f"/asset?{urlencode({'connector': connector, 'id': source_id})}"
