"""JSON inside a form, in the field `data`. Source: Bynder's published definitions."""

from __future__ import annotations

import json
from typing import Any

from damlink_sandbox.bynder.portal import refusal
from damlink_sandbox.router import Call


def object_given(call: Call) -> dict[str, Any]:
    """Return the object in `data`.

    Raises:
        Refusal: 400: `No data sent`, `Invalid JSON`.
    """
    data = _parse(call)
    if not isinstance(data, dict):
        raise refusal(400, "Invalid JSON")
    return data


def ids_given(call: Call) -> tuple[str, ...]:
    """Return the list of ids in `data`, in upper case, each once.

    Raises:
        Refusal: 400: `No data sent`, `Invalid JSON`.
    """
    data = _parse(call)
    if not isinstance(data, list) or not all(isinstance(one, str) for one in data):
        raise refusal(400, "Invalid JSON")
    return tuple(dict.fromkeys(one.upper() for one in data))


def _parse(call: Call) -> Any:
    text = call.form().get("data")
    if not text:
        raise refusal(400, "No data sent")
    try:
        return json.loads(text)
    except ValueError as error:
        raise refusal(400, "Invalid JSON") from error
