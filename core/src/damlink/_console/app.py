"""The application of the console: addresses, forms, and errors as pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from anyio import to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from damlink._config.load import Config, load
from damlink._console.activity import note_act
from damlink._console.acts import ACTS
from damlink._console.asset_pages import export_assets
from damlink._console.consent_doors import ConsentDoors
from damlink._console.desk import Desk, SignIns, Texts
from damlink._console.diagnostic_pages import DOWNLOAD_PATH, download_diagnostics
from damlink._console.doors import Doors
from damlink._console.forms import read_form
from damlink._console.guard import Guard
from damlink._console.jobs import Jobs
from damlink._console.live import Live
from damlink._console.marks import reader_of
from damlink._console.oidc_doors import OidcDoors
from damlink._console.page import Page, Query, WrongRequestError, address_of
from damlink._console.pages import LIVE_PAGES, PAGES
from damlink._console.previews import Previews
from damlink._console.render import read_script, read_style, render, render_error
from damlink._console.roles import (
    CONSENT_BEGIN,
    CONSENT_GO,
    CONSENT_RESULT,
    CONSENT_RETURN,
    LASTING_PATHS,
    LIVE_PATH,
    OIDC_BEGIN,
    OIDC_RETURN,
    PREVIEW_PATH,
    SAFE_METHODS,
    Visitor,
)
from damlink._console.sessions import Sessions
from damlink._console.streams import Streams
from damlink._run.session import Session
from damlink._state.causes import Causes
from damlink.errors import ConfigError, DamlinkError, RunActiveError

__all__ = ["guard", "make_app"]

OK: Final = 200


def guard(app: Starlette, sessions: Sessions, hosts: Mapping[str, str]) -> Guard:
    """Return the application behind its checks; without them it must not listen."""
    return Guard(app, sessions, hosts)


def make_app(
    session: Session, sessions: Sessions, jobs: Jobs | None = None, live: Live | None = None
) -> Starlette:
    """Return the application; `session` is open, and lends its database and pace to each request.

    Args:
        jobs: the commands that it starts; the caller closes them.
        live: the streams of pages that update by themselves; the caller closes them.
    """
    jobs = jobs or Jobs(session.config.path)
    live = live or Live(reader_of(session, jobs))
    handlers, doors, streams = _Handlers(session, sessions, jobs, live), Doors(sessions), Streams(live)
    oidc = OidcDoors(session, sessions)
    consents = ConsentDoors(session, sessions, handlers.answer, handlers.open_desk)
    pages = [_route(path, handlers.show(path, show)) for path, show in PAGES.items()]
    forms = [
        *(Route(path, handlers.change(path, act), methods=["POST"]) for path, act in ACTS.items()),
        Route(CONSENT_BEGIN, consents.begin, methods=["POST"]),
        Route("/login", doors.login, methods=["POST"]),
        Route("/leave", doors.leave, methods=["POST"]),
    ]
    others = [
        _route("/enter", doors.enter),
        _route("/login", doors.show_login),
        _route(OIDC_BEGIN, oidc.begin),
        _route(OIDC_RETURN, oidc.finish),
        _route(CONSENT_GO, consents.go),
        _route(CONSENT_RETURN, consents.finish),
        _route(CONSENT_RESULT, consents.show),
        _route("/console.css", handlers.style),
        *(_route(path, handlers.script(path)) for path in LASTING_PATHS),
        _route("/export", handlers.export),
        # A picture and a zip file are compressed already.
        Route(PREVIEW_PATH, handlers.preview, methods=["GET"]),
        Route(DOWNLOAD_PATH, handlers.diagnostics, methods=["GET"]),
        # Not compressed: each event is sent at once.
        Route(LIVE_PATH, streams.stream, methods=["GET"]),
    ]
    app = Starlette(routes=[*pages, *forms, *others])
    app.router.redirect_slashes = False
    return app


def _route(path: str, endpoint: Callable[[Request], Any]) -> Route:
    """Return the route of an answer that is compressed."""
    return Route(path, endpoint, methods=["GET"], middleware=[Middleware(GZipMiddleware, minimum_size=1024)])


class _Handlers:
    def __init__(self, session: Session, sessions: Sessions, jobs: Jobs, live: Live) -> None:
        self._session, self._sessions, self._jobs, self._live = session, sessions, jobs, live
        self._texts, self._causes, self._sign_ins = Texts(), Causes(), SignIns()
        self._style, self._previews = read_style(), Previews()

    def style(self, _request: Request) -> Response:
        """Return the style sheet."""
        return Response(self._style, media_type="text/css")

    def export(self, request: Request) -> Response:
        """Return the assets of a filter as a file."""
        headers = {"content-disposition": 'attachment; filename="assets.csv"'}
        return self.answer(
            request,
            lambda desk: StreamingResponse(
                export_assets(desk, dict(request.query_params)), media_type="text/csv", headers=headers
            ),
        )

    def preview(self, request: Request) -> Response:
        """Return a picture of an asset."""
        return self.answer(request, lambda desk: self._previews.answer(desk, dict(request.query_params)))

    def diagnostics(self, request: Request) -> Response:
        """Return the file for support."""
        headers = {"content-disposition": 'attachment; filename="damlink-diagnostics.zip"'}
        return self.answer(
            request,
            lambda desk: Response(download_diagnostics(desk), media_type="application/zip", headers=headers),
        )

    def script(self, path: str) -> Callable[[Request], Response]:
        """Return the endpoint of a script."""
        text = read_script(path)
        return lambda _request: Response(text, media_type="text/javascript")

    def show(self, path: str, page: Callable[[Desk, Query], Page]) -> Callable[[Request], Response]:
        """Return the endpoint of a page."""

        def show(request: Request, desk: Desk) -> Response:
            query = dict(request.query_params)
            # Read before the page is made: a change in between is seen again, and not missed.
            live = self._stream_address(query.get("connector", "")) if path in LIVE_PAGES else ""
            return render(request, page(desk, query), live=live)

        return lambda request: self.answer(request, lambda desk: show(request, desk))

    def _stream_address(self, connector: str) -> str:
        return address_of(LIVE_PATH, connector=connector, seen=self._live.read().of(connector))

    def change(self, path: str, do: Callable[[Desk, Query], str | Page]) -> Callable[[Request], object]:
        """Return the endpoint of a form, which leads to the page that shows the change."""

        async def changed(request: Request) -> Response:
            form = await read_form(request)
            if isinstance(form, Response):
                return form
            return await to_thread.run_sync(self.answer, request, lambda desk: act(request, desk, form))

        def act(request: Request, desk: Desk, form: Query) -> Response:
            done = do(desk, form)
            if isinstance(done, str) or done.status == OK:
                note_act(desk, request.state.visitor.user, path, form)
            return _result(request, done)

        return changed

    def open_desk(self, request: Request, visitor: Visitor) -> Desk:
        """Open the present config for a visitor.

        Raises:
            ConfigError: it is invalid.
        """
        return self._open(load(self._session.config.path), request, visitor)

    def _open(self, config: Config, request: Request, visitor: Visitor) -> Desk:
        return Desk(
            config,
            self._session,
            self._jobs,
            self._texts,
            self._causes,
            sign_ins=self._sign_ins,
            sessions=self._sessions,
            visitor=visitor,
            origin=_origin(request),
        )

    def answer(self, request: Request, answer: Callable[[Desk], Response]) -> Response:
        """Answer with the present config; an error is a page with its cure."""
        base = self._session
        try:
            config = load(base.config.path)
        except ConfigError as error:
            return render_error(request, 503, str(error))
        try:
            with self._open(config, request, request.state.visitor) as desk:
                return answer(desk)
        except WrongRequestError as error:
            return render_error(request, 400, str(error))
        except DamlinkError as error:
            return render_error(request, _status_of(error, request), str(error))


def _origin(request: Request) -> str:
    return f"{request.state.scheme}://{request.headers['host']}"


def _result(request: Request, done: str | Page) -> Response:
    """Return the page that shows a change, or lead to it."""
    return render(request, done, done.status) if isinstance(done, Page) else RedirectResponse(done, 303)


def _status_of(error: DamlinkError, request: Request) -> int:
    """Return the status: what a form asks for does not fit the present state, or there is no such thing."""
    if isinstance(error, RunActiveError):
        return 409
    if not isinstance(error, ConfigError):
        return 503
    return 404 if request.method in SAFE_METHODS else 409
