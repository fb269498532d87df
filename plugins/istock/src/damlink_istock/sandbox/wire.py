"""HTTP of the stand-in: a call in, an answer or a refusal out, one call at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial

import attrs
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from damlink_sandbox import Refusal, application


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
    return application({line: partial(_answer, handler, lock) for line, handler in handlers.items()})


async def _answer(handler: Handler, lock: AbstractContextManager[object], request: Request) -> Response:
    return await run_in_threadpool(_run, handler, lock, await _call(request))


def _run(handler: Handler, lock: AbstractContextManager[object], call: Call) -> Response:
    with lock:
        return handler(call)


async def _call(request: Request) -> Call:
    query = {name: ",".join(request.query_params.getlist(name)) for name in request.query_params}
    return Call(request.method, request.path_params, query, request.headers, await request.body())
