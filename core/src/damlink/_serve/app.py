"""The HTTP side of `damlink serve`: reads requests, asks the intake, answers. Owns Starlette."""

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
from damlink._serve.receiver import UNAVAILABLE, UNKNOWN, Answer, Gate, Intake
from damlink.errors import DamlinkError

__all__ = ["make_app"]

TOO_LARGE: Final = Answer(413, "too-large")
CUT_OFF: Final = Answer(400, "cut-off")

# Threads of their own: whoever floods the event addresses does not keep a probe from its answer.
EVENT_THREADS: Final = 16
PROBE_THREADS: Final = 2


def make_app(
    intake: Intake, metrics: Metrics, is_ready: Callable[[], str], note: Callable[[], str] = lambda: ""
) -> Starlette:
    """The application.

    Args:
        is_ready: why not, or empty; asked by `/readyz`.
        note: what a person should know although it is ready, or empty; shown by `/readyz`.
    """
    endpoints = _Endpoints(intake, metrics, is_ready, note)
    return Starlette(
        routes=[
            Route("/events/{portal}/{token}", endpoints.events, methods=["POST"]),
            Route("/healthz", endpoints.healthz),
            Route("/readyz", endpoints.readyz),
            Route("/metrics", endpoints.metrics),
        ],
        middleware=[Middleware(_UnambiguousLength)],
    )


class _Endpoints:
    def __init__(
        self, intake: Intake, metrics: Metrics, is_ready: Callable[[], str], note: Callable[[], str]
    ) -> None:
        self._intake, self._metrics, self._is_ready, self._note = intake, metrics, is_ready, note
        self._bodies = Bodies()

    @functools.cached_property
    def _event_threads(self) -> CapacityLimiter:
        return CapacityLimiter(EVENT_THREADS)

    @functools.cached_property
    def _probe_threads(self) -> CapacityLimiter:
        return CapacityLimiter(PROBE_THREADS)

    async def events(self, request: Request) -> Response:
        """One message of SNS."""
        gate = self._intake.admits(request.path_params["portal"], request.path_params["token"])
        answer = UNKNOWN if gate is None else await self._taken(gate, request)
        self._metrics.count(gate.portal if gate else "", answer.outcome)
        return PlainTextResponse(f"{answer.outcome}\n", answer.status)

    async def _taken(self, gate: Gate, request: Request) -> Answer:
        """Whatever type it says it is: a topic's delivery policy may set any.

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
            take = self._intake.take
            return await to_thread.run_sync(take, gate, request.headers, body, limiter=self._event_threads)

    async def healthz(self, _request: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    async def readyz(self, _request: Request) -> Response:
        """It can do its work."""
        why = await to_thread.run_sync(self._is_ready, limiter=self._probe_threads)
        lines = [why or "ok", *filter(None, [self._note()])]
        return PlainTextResponse("".join(f"{line}\n" for line in lines), 503 if why else 200)

    async def metrics(self, _request: Request) -> Response:
        """For Prometheus."""
        try:
            text = await to_thread.run_sync(self._metrics.text, limiter=self._probe_threads)
        except DamlinkError as error:
            return PlainTextResponse(f"{error}\n", 503)
        return Response(text, media_type=CONTENT_TYPE)


class _UnambiguousLength:
    """Refuse a request whose body's length is said in two ways: a proxy before us may believe the other one.

    Source: RFC 9112, 6.1 and 6.3.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = _refuse_length if _is_ambiguous(scope) else self._app
        await app(scope, receive, send)


def _is_ambiguous(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers and (
        "content-length" in headers or scope["http_version"] not in ("1.1", "2")
    )


async def _refuse_length(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer and close: where the next request begins on this connection is not known."""
    text = "Content-Length and Transfer-Encoding exclude each other\n"
    await PlainTextResponse(text, 400, {"connection": "close"})(scope, receive, send)
