"""The fields of a form, within limits."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from damlink._console.page import Query
from damlink._console.render import render_error

__all__ = ["MOST_FIELDS", "MOST_FORM_BYTES", "read_form"]

MOST_FORM_BYTES: Final = 64 * 1024
MOST_FIELDS: Final = 99
_FORM: Final = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> Query | Response:
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
