"""Pages of assets: those that match a filter, one with its story, and what was done to many."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import attrs

from damlink._console.desk import Desk
from damlink._console.page import (
    ROWS,
    Page,
    Query,
    WrongRequestError,
    address_of,
    command_text,
    connector_of,
    page_number,
    split_page,
)
from damlink._console.roles import PREVIEW_PATH
from damlink._run.standing import describe_asset
from damlink._secret import redact
from damlink._state.history import History
from damlink._state.ledger import Ledger
from damlink._state.rows import RowState
from damlink._state.search import Filter, Found, Search
from damlink._system.printable import one_line
from damlink.errors import ConfigError

__all__ = ["MOST_AT_ONCE", "describe_filter", "export_assets", "filter_of", "show_asset", "show_assets"]

MOST_TEXT: Final = 500
# A page is there within a tenth of a second; a search through very many rows goes on with the next page.
SEARCH_SECONDS: Final = 0.05
MOST_AT_ONCE: Final = 2_000
_COLUMNS: Final = (
    "source_id",
    "title",
    "state",
    "reason",
    "last_error",
    "attempts",
    "due_at",
    "target_id",
    "url",
)
# A table calculator takes what begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def filter_of(query: Query) -> Filter:
    """Return the filter that a request names."""
    cause, search = (query.get(field, "")[:MOST_TEXT] for field in ("cause", "search"))
    return Filter(
        state=_state(query),
        cause=cause,
        search=search,
        since=_day(query, "since"),
        until=_day(query, "until"),
    )


def describe_filter(wanted: Filter) -> dict[str, str]:
    """Return a filter as the fields of a form."""
    # Of one asset alone: no request names it.
    given = attrs.asdict(wanted, filter=attrs.filters.exclude("source_id"))
    return {name: "" if value is None else str(value) for name, value in given.items()}


def show_assets(desk: Desk, query: Query) -> Page:
    """Show the assets of a connector that match a filter."""
    name, wanted, number = connector_of(desk, query), filter_of(query), page_number(query)
    data = {
        "connector": name,
        "filter": describe_filter(wanted),
        "counts": Ledger(desk.database, name).counts(),
        "page": number,
        "most_at_once": MOST_AT_ONCE,
    }
    search = Search(desk.database, name)
    data |= _look_through(desk, name, query) if _needs_time(wanted) else _turn_page(search, wanted, number)
    words = ["assets", name, *(["--state", wanted.state.value] if wanted.state else [])]
    return Page("assets.html", f"Assets of {name}", command_text(*words), data)


def _needs_time(wanted: Filter) -> bool:
    """Return whether no index leads to the rows."""
    return bool(wanted.search or wanted.since or wanted.until or (wanted.cause and not wanted.state))


def _turn_page(search: Search, wanted: Filter, number: int) -> dict[str, Any]:
    rows = search.find(wanted, limit=ROWS + 1, offset=ROWS * (number - 1))
    shown, has_more = split_page(rows, number)
    return {"assets": [describe_asset(each) for each in shown], "has_more": has_more, "after": None}


def _look_through(desk: Desk, name: str, query: Query) -> dict[str, Any]:
    """Return the next rows that match, as far as a page has the time."""
    wanted, after = filter_of(query), query.get("after", "")
    found = Search(desk.database, name).walk(wanted, limit=ROWS, after=after, seconds=SEARCH_SECONDS)
    rows = list(found.rows)
    if not after and wanted.search and wanted.search not in {each.source_id for each in rows}:
        # Who searches for an id wants it at once.
        exact = Search(desk.database, name).find(attrs.evolve(wanted, source_id=wanted.search), limit=1)
        rows = [*exact, *rows]
    return {"assets": [describe_asset(each) for each in rows], "has_more": False, "after": found.after}


def show_asset(desk: Desk, query: Query) -> Page:
    """Show the story of one asset, and where it is in the portal."""
    name, source_id = connector_of(desk, query), query.get("id", "")
    row = Ledger(desk.database, name).find([source_id]).get(source_id)
    if row is None:
        raise ConfigError("", f"{name} has no asset {source_id!r}", hint="look for it in the list of assets")
    changes = [attrs.asdict(each) for each in History(desk.database, name).read(source_id)]
    asset = describe_asset(row)
    data: dict[str, Any] = {
        "connector": name,
        "asset": asset,
        "history": changes,
        "portal_url": _address_of_portal(desk, name),
    }
    # An address that is no web page, such as one of a script, is shown as text.
    data["url_is_link"] = str(asset["url"] or "").startswith("https://")
    # The portal is asked only when a person wants it: each preview is two requests of the pace.
    data["preview"] = ""
    if query.get("preview") == "yes" and asset["target_id"]:
        data["preview"] = address_of(PREVIEW_PATH, connector=name, id=source_id)
    return Page("asset.html", row.title or source_id, command_text("assets", name, source_id), data)


def _address_of_portal(desk: Desk, name: str) -> str:
    portal = desk.config.portals.get(desk.config.connectors[name].portal)
    url = portal.table.get("url", "") if portal else ""
    return url if isinstance(url, str) else ""


def export_assets(desk: Desk, query: Query) -> Iterator[str]:
    """Return the assets that match a filter as lines of CSV, all of them."""
    name, wanted = connector_of(desk, query), filter_of(query)
    return _lines(Search(desk.database, name), wanted)


def _lines(search: Search, wanted: Filter) -> Iterator[str]:
    yield _line(_COLUMNS)
    found = Found(rows=(), after="")
    while found.after is not None:
        found = search.walk(wanted, limit=1000, after=found.after)
        for row in found.rows:
            described = describe_asset(row)
            yield _line([_cell(described[name]) for name in _COLUMNS])


def _cell(value: Any) -> str:
    text = "" if value is None else one_line(redact(str(value)))
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: Any) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()


def _state(query: Query) -> RowState | None:
    text = query.get("state", "")
    try:
        return RowState(text) if text else None
    except ValueError as error:
        raise WrongRequestError(f"state is one of {', '.join(RowState)}") from error


def _day(query: Query, field: str) -> date | None:
    text = query.get(field, "")
    try:
        found = date.fromisoformat(text) if text else None
    except ValueError as error:
        raise WrongRequestError(f"{field} is a day such as 2026-01-31") from error
    if found is not None and not 2000 <= found.year < 3000:
        raise WrongRequestError(f"{field} is a day such as 2026-01-31")
    return found
