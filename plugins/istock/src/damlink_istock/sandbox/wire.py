"""HTTP of the stand-in: a call in, an answer or a refusal out, one call at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import attrs
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@attrs.frozen
class Call:
    """One request.

    Attributes:
        path: the values of the names in the route, such as `{"id": "1400000001"}`.
        query: as given; a name that is given twice has both values, joined by a comma.
        headers: names in any case.
    """

    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


Handler = Callable[[Call], Response]


class Refusal(Exception):  # noqa: N818 - an answer, not a mistake
    """Raised by a handler to answer `response` and do nothing more."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def refusal(status: int, code: str, message: str = "") -> Refusal:
    """Return a refusal of the application. Source: developers.gettyimages.com, "Error codes & responses"."""
    return Refusal(JSONResponse({"ErrorCode": code, "ErrorMessage": message or code}, status))


def gateway_refusal(status: int, message: str) -> Refusal:
    """Return a refusal of the gateway. Source: gettyimages/gettyimages-api#1 on GitHub."""
    headers = {"x-amzn-errortype": f"{message.replace(' ', '')}Exception"}
    return Refusal(JSONResponse({"message": message}, status, headers))


def token_refusal(status: int, error: str, description: str) -> Refusal:
    """Return a refusal of the token endpoint. Assumed: as in RFC 6749."""
    return Refusal(JSONResponse({"error": error, "error_description": description}, status))


def service(handlers: Mapping[str, Handler], lock: AbstractContextManager[object]) -> Starlette:
    """Return an ASGI application that answers lines such as `"GET /v3/products"`, each under the lock."""
    return Starlette(routes=[_route(line, handler, lock) for line, handler in handlers.items()])


def _route(line: str, handler: Handler, lock: AbstractContextManager[object]) -> Route:
    def act(call: Call) -> Response:
        with lock:
            try:
                return handler(call)
            except Refusal as refusal:
                return refusal.response

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(act, await _call(request))

    method, path = line.split()
    return Route(path, endpoint, methods=[method])


async def _call(request: Request) -> Call:
    query = {name: ",".join(request.query_params.getlist(name)) for name in request.query_params}
    return Call(request.method, request.path_params, query, request.headers, await request.body())
