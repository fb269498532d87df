"""HTTP of the stand-in: a request read whole, an answer or a refusal in its one error form."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import attrs
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from damlink_sandbox import Refusal, application

FORM = "multipart/form-data"


@attrs.frozen
class Call:
    """One request.

    Attributes:
        path: the values of the names in the route, such as `{"account": "a-1"}`.
        headers: names in any case.
        fields: of the JSON body or of the form; a form's `source` is JSON.
        file: the form's part `file`.
    """

    path: Mapping[str, str]
    headers: Mapping[str, str]
    fields: Mapping[str, Any]
    file: UploadFile | None = None


Handler = Callable[[Call], Response]


def refusal(status: int, code: str, message: str, more: Mapping[str, Any] | None = None) -> Refusal:
    """Return a refusal: `code` and `message`, as integrations of Gelato see them; `details` is assumed."""
    return Refusal(JSONResponse({"code": code, "message": message, "details": [], **(more or {})}, status))


def service(handlers: Mapping[str, Handler]) -> Starlette:
    """Return an ASGI application that answers lines such as `"GET /v3/catalogs"`, each in a thread."""
    return application({line: partial(_endpoint, handler) for line, handler in handlers.items()})


async def _endpoint(handler: Handler, request: Request) -> Response:
    is_form = request.headers.get("content-type", "").startswith(FORM)
    if not is_form:
        return await _answer(handler, request, _json(await request.body()))
    # Answered within the block, which closes the files of the form at its end.
    async with request.form() as form:
        file = form.get("file")
        return await _answer(handler, request, _fields(form), file if isinstance(file, UploadFile) else None)


async def _answer(
    handler: Handler, request: Request, fields: Mapping[str, Any], file: UploadFile | None = None
) -> Response:
    return await run_in_threadpool(handler, Call(request.path_params, request.headers, fields, file))


def _fields(form: FormData) -> dict[str, Any]:
    fields: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str)}
    fields["source"] = _json(str(fields.get("source", "")).encode())
    return fields | ({"size": int(fields["size"])} if "size" in fields else {})


def _json(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body or b"{}")
    except ValueError as error:
        raise refusal(400, "INVALID_REQUEST", "the body is no JSON") from error
    if not isinstance(read, dict):
        raise refusal(400, "INVALID_REQUEST", "the body is no JSON object")
    return read
