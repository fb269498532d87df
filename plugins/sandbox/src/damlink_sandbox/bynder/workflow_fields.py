"""Readers of workflow's JSON bodies: a wrong type is a 400 (assumed), an id of the wrong shape a 404."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from damlink_sandbox.bynder.portal import json_object, moment
from damlink_sandbox.bynder.workflow import failure, is_id
from damlink_sandbox.router import Call, Refusal

STATUSES = ("Idle", "Active", "Cancelled", "Approved", "NeedsChanges")
Reader = Callable[[Any], Any]
Fields = Mapping[str, tuple[str, Reader]]


def read(call: Call, known_fields: Fields) -> dict[str, Any]:
    """Read the known fields of a JSON body by our names; ignore others.

    Raises:
        Refusal: 400: no JSON object, or a field of the wrong type; 404: see `reference`.
    """
    data = json_object(call)
    if data is None:
        raise failure(400)
    try:
        return _read(data, known_fields)
    except (TypeError, ValueError) as error:
        raise failure(400) from error


def _read(data: Mapping[str, Any], known_fields: Fields) -> dict[str, Any]:
    return {own: reader(data[name]) for name, (own, reader) in known_fields.items() if name in data}


def within(known_fields: Fields) -> Reader:
    """Return a reader of an object with fields of its own."""
    return lambda value: _read(mapping(value), known_fields)


def each(reader: Reader) -> Reader:
    """Return a reader of a list; null is empty."""
    return lambda values: [reader(value) for value in values or ()]


def text(value: Any) -> str:
    """Text; null is empty."""
    if not isinstance(value, str | None):
        raise TypeError
    return value or ""


def boolean(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise TypeError
    return value


def status(value: Any) -> str:
    """Read a stage's status. Every published one is accepted; which of them are obsolete is unknown."""
    if value not in STATUSES:
        raise ValueError
    return str(value)


def mapping(value: Any) -> dict[str, Any]:
    """Read an object; null is empty."""
    return dict(value or {})


def date(value: Any) -> datetime | None:
    """Read a date with or without a time; null or empty is none."""
    try:
        return moment(text(value)) if value else None
    except Refusal as refusal:
        # `moment` refuses in the form of the asset bank; workflow has its own.
        raise ValueError from refusal


def reference(value: Any) -> str | None:
    """Read an id of another record, in workflow's shape; it need not exist (assumed)."""
    if not value:
        return None
    if not is_id(text(value)):
        raise failure(404)
    return text(value).lower()
