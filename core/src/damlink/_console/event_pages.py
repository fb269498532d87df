"""The pages of a portal's events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from damlink._config.tables import ConnectorConfig
from damlink._console.desk import Desk
from damlink._console.page import (
    ROWS,
    Page,
    Query,
    WrongRequestError,
    command_text,
    page_number,
    read_number,
    split_page,
)
from damlink._serve.event_subscription import EVENTS
from damlink._serve.fanout import Rule, has_event_hook, names_asset, subscription_rules
from damlink._serve.sent_event import USUAL_EVENT
from damlink._serve.subscriptions import subscriptions_of
from damlink._state.inbox import Inbox, Received
from damlink._state.refusals import Refusals
from damlink._state.refused import RefusedMessages
from damlink.errors import ConfigError

__all__ = ["read_event_number", "show_event", "show_events"]

MOST_DIGITS: Final = 15
MOST_REFUSED: Final = 50


def show_events(desk: Desk, query: Query) -> Page:
    """Show the inbox of a portal with what became of each event, and its topics."""
    portal, number = desk.config.portal(query.get("portal", "")).name, page_number(query)
    rows = Inbox(desk.database).latest(portal, limit=ROWS + 1, offset=ROWS * (number - 1))
    subscriptions = subscriptions_of(desk, portal)
    topics = [
        {
            "arn": each.arn,
            "state": "in the config" if each.arn in subscriptions.listed else each.state,
            "noted_at": each.noted_at,
            "confirmed_at": each.confirmed_at,
        }
        for each in subscriptions.topics.listing(portal)
    ]
    shown, has_more = split_page(rows, number)
    data = {
        "portal": portal,
        "events": [{**attrs.asdict(each), "verdict": each.verdict} for each in shown],
        "topics": topics,
        "refused": [attrs.asdict(each) for each in Refusals(desk.database).latest(portal, MOST_REFUSED)],
        "refused_in_queue": _refused_in_queue(desk, portal),
        "page": number,
        "has_more": has_more,
        "kinds": EVENTS,
        "usual_kind": USUAL_EVENT,
        "problem": "",
        "notice": "",
    }
    return Page("events.html", f"Events of {portal}", command_text("events", "inbox", portal), data)


def show_event(desk: Desk, query: Query) -> Page:
    """Show one event, and which rules of the dispatcher hold for each connector of its portal."""
    portal = desk.config.portal(query.get("portal", "")).name
    number = read_event_number(query, "number", "")
    event = Inbox(desk.database).find(portal, number)
    if event is None:
        raise ConfigError("", f"the inbox of {portal} has no such event")
    connectors = [each for each in desk.config.connectors.values() if each.portal == portal]
    names = {each.name for each in connectors}
    data = {
        "portal": portal,
        "event": {**attrs.asdict(event), "verdict": event.verdict},
        "connectors": [_explain(desk, event, each) for each in connectors],
        "others": [each for each in event.processed_by if each not in names],
    }
    return Page("event.html", f"Event {number} of {portal}", command_text("events", "inbox", portal), data)


def _explain(desk: Desk, event: Received, connector: ConnectorConfig) -> Mapping[str, Any]:
    """Return the rules up to the one that decided, by the present config, and what is stored of the rest."""
    rules = []
    for rule in _rules(desk, event, connector):
        rules.append(attrs.asdict(rule))
        if rule.holds is False:
            break
    passes = all(each["holds"] is not False for each in rules)
    return {"name": connector.name, "rules": rules, "outcome": _outcome(event, connector.name, passes=passes)}


def _rules(desk: Desk, event: Received, connector: ConnectorConfig) -> Iterator[Rule]:
    yield names_asset(event.asset_id)
    yield from subscription_rules(connector, event.portal, lambda: has_event_hook(desk, connector.name))


def _outcome(event: Received, connector: str, *, passes: bool) -> str:
    """Return what became of an event at a connector, as far as the inbox has it."""
    if connector in event.processed_by:
        return "it has processed the event"
    if not passes:
        return "the event is not passed to it"
    if event.finished_at is None:
        return "it has not processed the event yet"
    if event.last_error:
        return "given up; the last error is above"
    # An event ends without an error once all that receive it have processed it.
    return "it did not receive events when this one was processed"


def _refused_in_queue(desk: Desk, portal: str) -> list[dict[str, Any]]:
    """Return what is refused in a portal's queue; the texts of the messages are for the command line."""
    without_text = attrs.filters.exclude("message")
    found = RefusedMessages(desk.database).latest(portal, MOST_REFUSED)
    return [attrs.asdict(each, filter=without_text) for each in found]


def read_event_number(form: Query, field: str, otherwise: str) -> int:
    """Return the number of an event that a form or an address names."""
    number = read_number(form.get(field, "").strip() or otherwise, MOST_DIGITS)
    if number is None:
        raise WrongRequestError(f"{field} is the number of an event")
    return number
