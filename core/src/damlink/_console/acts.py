"""The acts behind the forms of the console; each leads to the page that shows the change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from damlink._console.bulk import change_many
from damlink._console.desk import Desk
from damlink._console.event_acts import EVENT_ACTS
from damlink._console.page import Page, Query, WrongRequestError, address_of, connector_of
from damlink._console.setting_acts import (
    change_settings,
    drop_draft,
    rebase_draft,
    switch_connector,
    try_draft,
    write_draft,
)
from damlink._console.user_pages import USER_ACTS
from damlink._console.wizard import begin_connector, take_step
from damlink._run.repair import retry, settle
from damlink._run.saved_plan import find_plan

__all__ = ["ACTS"]


def retry_asset(desk: Desk, form: Query) -> str:
    """Make one asset due again.

    Without an id nothing, where the command would take all.
    """
    name, source_id = _asset_of(desk, form)
    retry(desk.database, name, [source_id])
    return address_of("/asset", connector=name, id=source_id)


def settle_asset(desk: Desk, form: Query) -> str:
    """Decide whether an uncertain asset has arrived."""
    name, source_id = _asset_of(desk, form)
    arrived = form.get("arrived", "")
    if arrived not in ("yes", "no"):
        raise WrongRequestError("arrived is yes or no")
    target = form.get("target_id", "").strip()
    if arrived == "no" and target:
        raise WrongRequestError("an asset that has not arrived has no id in the portal")
    settle(desk.database, desk.cipher, name, source_id, saved=arrived == "yes", target_id=target)
    return address_of("/asset", connector=name, id=source_id)


def run_connector(desk: Desk, form: Query) -> str:
    """Start a run."""
    name, full = connector_of(desk, form), form.get("full", "")
    if full not in ("", "yes"):
        raise WrongRequestError("full is yes, or is left out")
    desk.jobs.start(name, "run", name, *(["--full"] if full else []))
    return address_of("/connector", connector=name)


def stop_connector(desk: Desk, form: Query) -> str:
    """Stop what was started here."""
    name = connector_of(desk, form)
    desk.jobs.stop(name)
    return address_of("/connector", connector=name)


def make_plan(desk: Desk, form: Query) -> str:
    """Start the making of a plan."""
    name = connector_of(desk, form)
    desk.jobs.start(name, "plan", name, "--save")
    return address_of("/plans", connector=name)


def approve_plan(desk: Desk, form: Query) -> str:
    """Start a run of exactly one plan."""
    plan = find_plan(desk, form.get("id", ""))
    name = desk.config.connector(plan.connector).name
    desk.jobs.start(name, "run", name, "--plan", plan.id)
    return address_of("/connector", connector=name)


ACTS: Final[Mapping[str, Callable[[Desk, Query], str | Page]]] = {
    "/retry": retry_asset,
    "/settle": settle_asset,
    "/bulk": change_many,
    "/run": run_connector,
    "/stop": stop_connector,
    "/make-plan": make_plan,
    "/approve": approve_plan,
    "/change": change_settings,
    "/begin": begin_connector,
    "/step": take_step,
    "/switch": switch_connector,
    "/write-draft": write_draft,
    "/try-draft": try_draft,
    "/rebase-draft": rebase_draft,
    "/drop-draft": drop_draft,
    **EVENT_ACTS,
    **USER_ACTS,
}


def _asset_of(desk: Desk, form: Query) -> tuple[str, str]:
    source_id = form.get("id", "")
    if not source_id:
        raise WrongRequestError("id is missing")
    return connector_of(desk, form), source_id
