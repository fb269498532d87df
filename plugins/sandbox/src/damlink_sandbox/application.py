"""ASGI applications of the partners' stand-ins, on Starlette."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = ["Endpoint", "Refusal", "application"]

Endpoint = Callable[[Request], Awaitable[Response]]


class Refusal(Exception):  # noqa: N818 - an answer, not a mistake
    """Raised below an endpoint to answer `response` and do nothing more."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def application(endpoints: Mapping[str, Endpoint]) -> Starlette:
    """Return an ASGI application that answers lines such as `"GET /v3/products/{id}"`."""
    return Starlette(routes=[_route(line, endpoint) for line, endpoint in endpoints.items()])


def _route(line: str, endpoint: Endpoint) -> Route:
    method, path = line.split()
    return Route(path, partial(_answer, endpoint), methods=[method])


async def _answer(endpoint: Endpoint, request: Request) -> Response:
    try:
        return await endpoint(request)
    except Refusal as refusal:
        return refusal.response
