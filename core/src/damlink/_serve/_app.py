"""The HTTP side of `damlink serve`: reads requests, asks the intake, answers. Owns Starlette."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from damlink._serve._intake import UNAVAILABLE, UNKNOWN, Answer, Gate, Intake
from damlink._serve._metrics import CONTENT_TYPE, Metrics
from damlink._sns import LARGEST_BYTES
from damlink.errors import DamlinkError

__all__ = ["make_app"]

TOO_LARGE: Final = Answer(413, "too-large")
CUT_OFF: Final = Answer(400, "cut-off")

MOST_BODIES: Final = 64  # held at once; what more comes waits unread, so that a burst costs no memory
BODY_SECONDS: Final = 15.0  # the sender waits no longer for an answer. Source: sns.md 5


def make_app(intake: Intake, metrics: Metrics, is_ready: Callable[[], str]) -> Starlette:
    """The application.

    Args:
        is_ready: why not, or empty; asked by `/readyz`.
    """
    endpoints = _Endpoints(intake, metrics, is_ready)
    return Starlette(
        routes=[
            Route("/events/{portal}/{token}", endpoints.events, methods=["POST"]),
            Route("/healthz", endpoints.healthz),
            Route("/readyz", endpoints.readyz),
            Route("/metrics", endpoints.metrics),
        ]
    )


class _Endpoints:
    def __init__(self, intake: Intake, metrics: Metrics, is_ready: Callable[[], str]) -> None:
        self._intake, self._metrics, self._is_ready = intake, metrics, is_ready
        self._room = asyncio.Semaphore(MOST_BODIES)

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
        async with self._room:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await _capped_body(request)
            except ClientDisconnect:
                return CUT_OFF
            except TimeoutError:
                return UNAVAILABLE
            if body is None:
                return TOO_LARGE
            return await run_in_threadpool(self._intake.take, gate, request.headers, body)

    async def healthz(self, _request: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    async def readyz(self, _request: Request) -> Response:
        """It can do its work."""
        why = await run_in_threadpool(self._is_ready)
        return PlainTextResponse(f"{why or 'ok'}\n", 503 if why else 200)

    async def metrics(self, _request: Request) -> Response:
        """For Prometheus."""
        try:
            text = await run_in_threadpool(self._metrics.text)
        except DamlinkError as error:
            return PlainTextResponse(f"{error}\n", 503)
        return Response(text, media_type=CONTENT_TYPE)


async def _capped_body(request: Request) -> bytes | None:
    """The body, or `None` where it is too large; what is too large is not read to its end."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > LARGEST_BYTES:
        return None
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BYTES:
            return None
    return bytes(body)
