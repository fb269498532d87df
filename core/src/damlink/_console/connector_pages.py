"""Pages of one connector: where it stands, what was started here, and its plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from damlink._console.charts import count_by_day
from damlink._console.desk import Desk
from damlink._console.page import (
    ROWS,
    Page,
    Query,
    WrongRequestError,
    command_text,
    connector_of,
    page_number,
    split_page,
)
from damlink._console.roles import CONSENT_BEGIN
from damlink._console.setting_pages import describe_table
from damlink._console.timeline import list_events
from damlink._run.saved_plan import find_plan
from damlink._run.standing import describe_connector
from damlink._state.claim import SKIP
from damlink._state.plans import Plans, SavedPlan

__all__ = ["show_connector", "show_connectors", "show_plan", "show_plans"]

MOST_JOBS: Final = 5
MOST_PLANS: Final = 20
ACTIONS: Final = ("new", "version", "remove", SKIP)


def show_connectors(desk: Desk, _query: Query) -> Page:
    """Show all connectors, with the errors of their last runs."""
    found = [describe_connector(desk, name, desk.causes) for name in desk.config.connectors]
    return Page("connectors.html", "Connectors", command_text("status"), {"connectors": found})


def show_connector(desk: Desk, query: Query) -> Page:
    """Show where a connector stands, and the commands that were started here."""
    name = connector_of(desk, query)
    found = describe_connector(desk, name, desk.causes)
    settings = describe_table(desk.config.connectors[name].table)
    data: dict[str, Any] = {"connector": name, "standing": found, "settings": settings}
    data |= {"jobs": _jobs(desk, name), "days": count_by_day(desk, name)}
    data["timeline"] = list_events(desk, name)
    # The plugin and its secrets are opened to say it: for those alone who can act on it.
    data["signs_in"] = desk.visitor.may(CONSENT_BEGIN) and desk.signs_in(name)
    return Page("connector.html", found["title"] or name, command_text("status", name), data)


def show_plans(desk: Desk, query: Query) -> Page:
    """Show the saved plans of a connector."""
    name = connector_of(desk, query)
    plans = [_describe(each) for each in Plans(desk.database).latest(name, MOST_PLANS)]
    data = {"connector": name, "plans": plans, "jobs": _jobs(desk, name)}
    return Page("plans.html", f"Plans of {name}", command_text("plan", name, "--save"), data)


def show_plan(desk: Desk, query: Query) -> Page:
    """Show one plan: what its run would do, what that costs, and each asset."""
    plan, action, number = find_plan(desk, query.get("id", "")), query.get("action", ""), page_number(query)
    if action and action not in ACTIONS:
        raise WrongRequestError(f"action is one of {', '.join(ACTIONS)}")
    first = ROWS * (number - 1)
    rows = Plans(desk.database).assets(plan.id, limit=ROWS + 1, offset=first, action=action)
    shown, has_more = split_page(rows, number)
    data = {
        "connector": plan.connector,
        "plan": _describe(plan),
        "action": action,
        "assets": [attrs.asdict(each) for each in shown],
        "page": number,
        "has_more": has_more,
    }
    words = ("run", plan.connector, "--plan", plan.id)
    return Page("plan.html", f"Plan {plan.id} of {plan.connector}", command_text(*words), data)


def _describe(plan: SavedPlan) -> Mapping[str, Any]:
    return attrs.asdict(plan)


def _jobs(desk: Desk, name: str) -> list[Mapping[str, Any]]:
    return [attrs.asdict(each) for each in desk.jobs.latest(name, MOST_JOBS)]
