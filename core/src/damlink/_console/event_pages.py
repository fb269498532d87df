"""The page of a portal's events, and what its forms do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from damlink._config.tables import ConnectorConfig
from damlink._console.desk import Desk
from damlink._console.page import (
    ROWS,
    Page,
    Query,
    WrongRequestError,
    address_of,
    command_text,
    page_number,
    read_number,
    split_page,
)
from damlink._serve.fanout import Rule, has_event_hook, names_asset, subscription_rules
from damlink._serve.subscriptions import subscriptions_of
from damlink._sns.envelope import MalformedError, parse_topic
from damlink._state.inbox import Inbox, Received
from damlink._state.refusals import Refusals
from damlink._state.refused import RefusedMessages
from damlink.errors import ConfigError, DamlinkError

__all__ = ["EVENT_ACTS", "show_event", "show_events"]

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
        "problem": "",
    }
    return Page("events.html", f"Events of {portal}", command_text("events", "inbox", portal), data)


def show_event(desk: Desk, query: Query) -> Page:
    """Show one event, and which rules of the dispatcher hold for each connector of its portal."""
    portal = desk.config.portal(query.get("portal", "")).name
    number = _number(query, "number", "")
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


def replay_events(desk: Desk, form: Query) -> str:
    """Let one event, or those of a range, be processed once more."""
    portal = desk.config.portal(form.get("portal", "")).name
    first = _number(form, "first", "")
    last = _number(form, "last", str(first))
    if not Inbox(desk.database).replay(portal, first, last):
        raise ConfigError("", f"the inbox of {portal} has no such event")
    return address_of("/events", portal=portal)


def approve_topic(desk: Desk, form: Query) -> str | Page:
    """Approve a topic that has sent a message, and confirm its subscription.

    Returns:
        The page with the reason, if it is approved but could not be confirmed: that is no failure of the
        approval, which is noted.
    """
    portal, arn = desk.config.portal(form.get("portal", "")).name, form.get("topic", "")
    try:
        parse_topic(arn)
    except MalformedError as error:
        raise WrongRequestError(f"topic is {error}") from error
    subscriptions = subscriptions_of(desk, portal)
    if subscriptions.topics.state(portal, arn) is None:
        hint = "see the topics on the page of its events"
        raise ConfigError("", f"no such topic has sent a message to {portal}", hint=hint)
    subscriptions.approve(arn)
    desk.note(portal, {"topic": arn})
    try:
        subscriptions.confirm_approved(arn)
    except DamlinkError as error:
        page = show_events(desk, {"portal": portal})
        return attrs.evolve(page, data={**page.data, "problem": str(error)})
    return address_of("/events", portal=portal)


def _number(form: Query, field: str, otherwise: str) -> int:
    number = read_number(form.get(field, "").strip() or otherwise, MOST_DIGITS)
    if number is None:
        raise WrongRequestError(f"{field} is the number of an event")
    return number


EVENT_ACTS: Final[Mapping[str, Callable[[Desk, Query], str | Page]]] = {
    "/replay": replay_events,
    "/events/approve": approve_topic,
}
