"""HTTP application of `damlink serve`: reads requests, calls the event receiver, answers. Owns Starlette."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from damlink._serve.bodies import Bodies, BodyReader, TooLargeError
from damlink._serve.metrics import CONTENT_TYPE, Metrics
from damlink._serve.receiver import UNAVAILABLE, UNKNOWN, Answer, Endpoint, EventReceiver
from damlink.errors import DamlinkError

__all__ = ["make_app"]

TOO_LARGE: Final = Answer(413, "too-large")
CUT_OFF: Final = Answer(400, "cut-off")

# Separate thread pools: a flood of requests to the event addresses must not delay the health probes.
EVENT_THREADS: Final = 16
PROBE_THREADS: Final = 2

_CLOSE: Final = {"connection": "close"}


def make_app(
    receiver: EventReceiver,
    metrics: Metrics,
    why_not_ready: Callable[[], str],
    note: Callable[[], str] = lambda: "",
) -> Starlette:
    """Return the application.

    Args:
        why_not_ready: returns the reason why the process is not ready, or an empty string; for `/readyz`.
        note: returns a remark for the administrator that does not affect readiness; for `/readyz`.
    """
    handlers = _Handlers(receiver, metrics, why_not_ready, note)
    app = Starlette(
        routes=[
            Route("/events/{portal}/{token}", handlers.events, methods=["POST"]),
            Route("/healthz", handlers.healthz),
            Route("/readyz", handlers.readyz),
            Route("/metrics", handlers.metrics),
        ],
        middleware=[Middleware(_Unambiguous)],
    )
    # Another address is unknown: a redirect would repeat the secret of an event address.
    app.router.redirect_slashes = False
    return app


class _Handlers:
    def __init__(
        self,
        receiver: EventReceiver,
        metrics: Metrics,
        why_not_ready: Callable[[], str],
        note: Callable[[], str],
    ) -> None:
        self._receiver, self._metrics = receiver, metrics
        self._why_not_ready, self._note = why_not_ready, note
        self._bodies = Bodies()

    @functools.cached_property
    def _event_threads(self) -> CapacityLimiter:
        return CapacityLimiter(EVENT_THREADS)

    @functools.cached_property
    def _probe_threads(self) -> CapacityLimiter:
        return CapacityLimiter(PROBE_THREADS)

    async def events(self, request: Request) -> Response:
        """Receive one message of SNS."""
        endpoint = self._receiver.authenticate(request.path_params["portal"], request.path_params["token"])
        answer = UNKNOWN if endpoint is None else await self._receive(endpoint, request)
        self._metrics.count(endpoint.portal if endpoint else "", answer.outcome)
        return PlainTextResponse(f"{answer.outcome}\n", answer.status)

    async def _receive(self, endpoint: Endpoint, request: Request) -> Answer:
        """Read and process a message; ignore its content type, since a topic's delivery policy may set any.

        Source: sns.md 1.1
        """
        with BodyReader(self._bodies) as reader:
            try:
                body = await reader.read(request)
            except ClientDisconnect:
                return CUT_OFF
            except TooLargeError:
                return TOO_LARGE
            except TimeoutError:
                return UNAVAILABLE
            receive = self._receiver.receive
            return await to_thread.run_sync(
                receive, endpoint, request.headers, body, limiter=self._event_threads
            )

    async def healthz(self, _request: Request) -> Response:
        """Answer that the process is alive."""
        return PlainTextResponse("ok\n")

    async def readyz(self, _request: Request) -> Response:
        """Answer whether the process can receive events and run connectors."""
        why = await to_thread.run_sync(self._why_not_ready, limiter=self._probe_threads)
        lines = [why or "ok", *filter(None, [self._note()])]
        return PlainTextResponse("".join(f"{line}\n" for line in lines), 503 if why else 200)

    async def metrics(self, _request: Request) -> Response:
        """Return the metrics for Prometheus."""
        try:
            text = await to_thread.run_sync(self._metrics.text, limiter=self._probe_threads)
        except DamlinkError as error:
            return PlainTextResponse(f"{error}\n", 503)
        return Response(text, media_type=CONTENT_TYPE)


class _Unambiguous:
    """Middleware that refuses a request that a proxy in front of us may read in another way.

    Two declarations of a body's length would allow request smuggling.
    Source: RFC 9112, 2.3, 6.1 and 6.3.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (_refusal(scope) or self._app)(scope, receive, send)


def _refusal(scope: Scope) -> Response | None:
    """Return the refusal of an ambiguous request; it closes the connection, whose next request is unclear."""
    headers, version = Headers(scope=scope), scope["http_version"]
    if version not in ("1.0", "1.1"):
        return PlainTextResponse("send HTTP/1.1\n", 505, _CLOSE)
    if "transfer-encoding" in headers and ("content-length" in headers or version == "1.0"):
        text = "Content-Length and Transfer-Encoding exclude each other\n"
        return PlainTextResponse(text, 400, _CLOSE)
    return None
