"""The content of each page, as plain values: the same for a person and for a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from damlink._console.activity import show_activity
from damlink._console.asset_pages import show_asset, show_assets
from damlink._console.charts import count_by_day, measure_by_day
from damlink._console.connector_pages import show_connector, show_connectors, show_plan, show_plans
from damlink._console.desk import Desk
from damlink._console.diagnostic_pages import show_diagnostics
from damlink._console.event_pages import show_event, show_events
from damlink._console.page import Page, Query, command_text, connector_of
from damlink._console.portal_pages import show_portals
from damlink._console.setting_pages import show_draft, show_edit
from damlink._console.user_pages import show_password, show_user, show_users
from damlink._console.wizard import show_add, show_step
from damlink._plugin.discovery import list_plugins
from damlink._plugin.grades import last_grade
from damlink._run.session import Session
from damlink._run.standing import describe_connector
from damlink._state.ledger import Ledger
from damlink._state.runs import Runs

__all__ = ["LIVE_PAGES", "PAGES"]

MOST_CAUSES: Final = 20
MOST_RUNS: Final = 100


def show_overview(desk: Desk, _query: Query) -> Page:
    """Show where each connector stands, and what needs a person."""
    names = list(desk.config.connectors)
    causes = [
        {"connector": name, **attrs.asdict(each)} for name in names for each in desk.causes(name, MOST_CAUSES)
    ]
    connectors = [describe_connector(desk, name, desk.causes) for name in names]
    data: dict[str, Any] = {
        "connectors": connectors,
        "causes": causes,
        "pace": attrs.asdict(desk.pace.budget()),
    }
    data["days"], data["latencies"] = count_by_day(desk), measure_by_day(desk)
    return Page("overview.html", "Overview", command_text("status"), data)


def show_runs(session: Session, query: Query) -> Page:
    """Show the last runs of a connector."""
    name = connector_of(session, query)
    runs = [attrs.asdict(each) for each in Runs(session.database, name).latest(MOST_RUNS)]
    title, command = f"Runs of {name}", command_text("runs", name, "--limit", str(MOST_RUNS))
    data = {"connector": name, "runs": runs, "counts": Ledger(session.database, name).counts()}
    return Page("runs.html", title, command, data)


def show_plugins(_session: Session, _query: Query) -> Page:
    """Show the installed plugins, from metadata alone."""
    data = {"plugins": [each._asdict() | {"grade": last_grade(each)} for each in list_plugins()]}
    return Page("plugins.html", "Browse", command_text("plugins"), data)


PAGES: Final[Mapping[str, Callable[[Desk, Query], Page]]] = {
    "/": show_overview,
    "/connectors": show_connectors,
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
    "/activity": show_activity,
    "/diagnostics": show_diagnostics,
    "/portals": show_portals,
    "/events": show_events,
    "/event": show_event,
    "/users": show_users,
    "/user": show_user,
    "/password": show_password,
}

# Pages that update by themselves; the first two are about all connectors.
LIVE_PAGES: Final = ("/", "/connectors", "/connector", "/runs", "/plans")
