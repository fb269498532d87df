"""The content of each page, as plain values: the same for a person and for a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from damlink._console.connector_pages import show_connector, show_plan, show_plans
from damlink._console.desk import Desk
from damlink._console.page import (
    MOST_PAGES,
    ROWS,
    Page,
    Query,
    WrongRequestError,
    command_text,
    connector_of,
    page_number,
)
from damlink._console.setting_pages import show_draft, show_edit
from damlink._console.wizard import show_add, show_step
from damlink._plugin.discovery import list_plugins
from damlink._plugin.grades import last_grade
from damlink._run.session import Session
from damlink._run.standing import describe_asset, describe_connector
from damlink._state.history import History
from damlink._state.ledger import Ledger
from damlink._state.rows import RowState
from damlink._state.runs import Runs
from damlink._state.search import Filter, Search
from damlink.errors import ConfigError

__all__ = ["PAGES"]

MOST_CAUSES: Final = 20
MOST_RUNS: Final = 100
MOST_TEXT: Final = 500


def show_overview(session: Session, _query: Query) -> Page:
    """Show where each connector stands, and what needs a person."""
    connectors = [describe_connector(session, name) for name in session.config.connectors]
    causes = [
        {"connector": name, **attrs.asdict(each)}
        for name in session.config.connectors
        for each in Search(session.database, name).causes(MOST_CAUSES)
    ]
    data = {"connectors": connectors, "causes": causes, "pace": attrs.asdict(session.pace.budget())}
    return Page("overview.html", "Overview", command_text("status"), data)


def show_assets(session: Session, query: Query) -> Page:
    """Show the assets of a connector that match a filter."""
    name = connector_of(session, query)
    state, number = _state(query), page_number(query)
    cause, search = (query.get(field, "")[:MOST_TEXT] for field in ("cause", "search"))
    wanted = Filter(state=state, cause=cause, search=search)
    rows = Search(session.database, name).find(wanted, limit=ROWS + 1, offset=ROWS * (number - 1))
    data = {
        "connector": name,
        "filter": {"state": state.value if state else "", "cause": cause, "search": search},
        "counts": Ledger(session.database, name).counts(),
        "assets": [describe_asset(each) for each in rows[:ROWS]],
        "page": number,
        "has_more": len(rows) > ROWS and number < MOST_PAGES,
    }
    words = ["assets", name, *(["--state", state.value] if state else [])]
    return Page("assets.html", f"Assets of {name}", command_text(*words), data)


def show_asset(session: Session, query: Query) -> Page:
    """Show the story of one asset."""
    name, source_id = connector_of(session, query), query.get("id", "")
    row = Ledger(session.database, name).find([source_id]).get(source_id)
    if row is None:
        raise ConfigError("", f"{name} has no asset {source_id!r}", hint="look for it in the list of assets")
    changes = [attrs.asdict(each) for each in History(session.database, name).read(source_id)]
    data = {"connector": name, "asset": describe_asset(row), "history": changes}
    return Page("asset.html", row.title or source_id, command_text("assets", name, source_id), data)


def show_runs(session: Session, query: Query) -> Page:
    """Show the last runs of a connector."""
    name = connector_of(session, query)
    runs = [attrs.asdict(each) for each in Runs(session.database, name).latest(MOST_RUNS)]
    title, command = f"Runs of {name}", command_text("runs", name, "--limit", str(MOST_RUNS))
    return Page("runs.html", title, command, {"connector": name, "runs": runs})


def show_plugins(_session: Session, _query: Query) -> Page:
    """Show the installed plugins, from metadata alone."""
    data = {"plugins": [each._asdict() | {"grade": last_grade(each)} for each in list_plugins()]}
    return Page("plugins.html", "Browse", command_text("plugins"), data)


def show_portals(session: Session, _query: Query) -> Page:
    """Show the portals, without anything that signs a request."""
    found = [(name, table.unopened) for name, table in session.config.portals.items()]
    portals = [
        {"name": name, "url": each.url, "auth": each.auth, "brand": each.brand, "scopes": list(each.scopes)}
        for name, each in found
    ]
    return Page("portals.html", "Portals", command_text("portal", "check"), {"portals": portals})


PAGES: Final[Mapping[str, Callable[[Desk, Query], Page]]] = {
    "/": show_overview,
    "/connector": show_connector,
    "/edit": show_edit,
    "/draft": show_draft,
    "/add": show_add,
    "/setup": show_step,
    "/assets": show_assets,
    "/asset": show_asset,
    "/runs": show_runs,
    "/plans": show_plans,
    "/plan": show_plan,
    "/plugins": show_plugins,
    "/portals": show_portals,
}


def _state(query: Query) -> RowState | None:
    text = query.get("state", "")
    try:
        return RowState(text) if text else None
    except ValueError as error:
        raise WrongRequestError(f"state is one of {', '.join(RowState)}") from error
