"""The licence list, `GET /v3/downloads`: its dates, its windows, its rows.

Source: the Getty Images API v3 definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from typing import Any

import attrs
from starlette.responses import JSONResponse, Response

from damlink_istock.sandbox.access import calling_user
from damlink_istock.sandbox.product_types import PRODUCT_TYPES, SUBSCRIPTION
from damlink_istock.sandbox.vendor import Key, Licence, User, Vendor
from damlink_istock.sandbox.wire import Call, refusal

SPAN = timedelta(days=30)
MOST_ROWS = 100

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?")


@attrs.frozen
class Window:
    """Two moments, UTC; both belong to it."""

    start: datetime
    end: datetime


def listing(vendor: Vendor, call: Call) -> Response:
    """`GET /v3/downloads`: one page of the licences of a window."""
    caller = calling_user(vendor, call)
    page, page_size = _number(call, "page", 1), _number(call, "page_size", 30, MOST_ROWS)
    window = read_window(call, vendor.now(), limited=vendor.switches.window_limit)
    # Assumed: without one, an iStock key lists no credits.
    wanted = product_type(call, caller.key) or SUBSCRIPTION
    everybody = flag(call, "company_downloads", default=False)
    if everybody and not vendor.switches.company_right:
        # Assumed: the body is unknown.
        raise refusal(403, "Forbidden", "Not enabled for company downloads.")
    found = [
        row
        for row in vendor.rows()
        if row.product_type == wanted
        and row.product_type in caller.key.product_types
        and (everybody or row.user == caller.user)
        and window.start <= row.date <= window.end
    ]
    ordered = _in_no_order(found, vendor.world.seed)
    rows = [_row(vendor, row) for row in ordered[(page - 1) * page_size : page * page_size]]
    vendor.turn_page()
    return JSONResponse({"result_count": len(found), "downloads": rows})


def read_window(call: Call, now: datetime, *, limited: bool) -> Window:
    """Return the window that `date_from`, `date_to` and `use_time` name, exact or in whole days.

    Raises:
        Refusal: 400 for what is no date, an end before its start, or more than 30 days (assumed).
    """
    exact = flag(call, "use_time", default=False)
    start, end = _moment(call, "date_from", exact=exact), _moment(call, "date_to", exact=exact)
    today = now if exact else _midnight(now)
    if start and end and (end < start or (limited and end - start > SPAN)):
        raise refusal(400, "InvalidParameterValue", "date_from, date_to: at most 30 days, in this order")
    if start is None:
        end = end or today
        start = end - SPAN
    elif end is None:
        end = min(today, start + SPAN)
    return Window(start, end if exact else end + timedelta(days=1, microseconds=-1))


def flag(call: Call, name: str, *, default: bool) -> bool:
    """Read true or false from the query; 400 for any other value."""
    given = call.query.get(name, str(default)).lower()
    if given not in ("true", "false"):
        raise refusal(400, "InvalidParameterValue", f"Field: {name}, {given}")
    return given == "true"


def product_type(call: Call, key: Key) -> str | None:
    """Read the one product type of the query; 400 for an unknown one, 403 for one of the other site."""
    given = call.query.get("product_type")
    if given is not None and given not in PRODUCT_TYPES:
        raise refusal(400, "InvalidParameterValue", f"Field: product_type, {given}")
    if given is not None and given not in key.product_types:
        raise refusal(403, "NoAccessToProductType")
    return given


def _number(call: Call, name: str, default: int, most: int | None = None) -> int:
    given = call.query.get(name, str(default))
    if not re.fullmatch(r"[1-9]\d{0,8}", given) or (most and int(given) > most):
        code = {"page": "InvalidPage", "page_size": "InvalidPageSize"}[name]
        raise refusal(400, code, f"Field: {name}, {given}")
    return int(given)


def _moment(call: Call, name: str, *, exact: bool) -> datetime | None:
    given = call.query.get(name)
    if given is None:
        return None
    if not _MOMENT.fullmatch(given):
        raise refusal(400, "InvalidParameterValue", f"Field: {name}, {given}")
    try:
        moment = datetime.fromisoformat(given if exact else _DATE.match(given)[0])  # type: ignore[index]
    except ValueError as error:
        raise refusal(400, "InvalidParameterValue", f"Field: {name}, {given}") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(), UTC)


def _in_no_order(rows: Iterable[Licence], seed: int) -> list[Licence]:
    """Neither by date nor by id, yet the same on every page; a row that is added shifts the pages."""

    def place(row: Licence) -> bytes:
        return sha256(f"{seed}/{row.number}".encode()).digest()

    return sorted(rows, key=place)


def _row(vendor: Vendor, row: Licence) -> dict[str, Any]:
    size = next((size for size in row.asset.sizes if size.name == row.size_name), row.asset.largest)
    return {
        "id": row.asset.id,
        "asset_type": "Film" if row.asset.is_video else "Image",
        "date_downloaded": f"{row.date:%Y-%m-%dT%H:%M:%S}.000",
        "product_type": row.product_type,
        "product_id": vendor.product(row.product_type).id,
        "license_model": "royaltyfree",
        "agreement_name": None,
        "size_name": row.size_name,
        "dimensions": {
            "width": size.width,
            "height": size.height,
            "dpi": None if row.asset.is_video else 300,
        },
        "download_source": row.source,
        "user": person(row.user),
        "download_details": {"download_notes": row.notes, "project_code": row.project_code},
        "thumb_uri": None,
        "generated_asset_id": None,
    }


def person(user: User) -> dict[str, str | None]:
    """Return a user in the form of the answers."""
    name = {"first_name": user.first_name, "middle_name": None, "last_name": user.last_name}
    return {"username": user.username, **name}
