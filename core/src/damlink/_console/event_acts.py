"""The acts behind the forms of a portal's events: subscribe, approve, send and process once more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from damlink._console.desk import Desk
from damlink._console.event_pages import read_event_number, show_events
from damlink._console.page import Page, Query, WrongRequestError, address_of
from damlink._secret import Secret
from damlink._serve.address import event_url
from damlink._serve.event_subscription import EVENTS, find_unreachable, subscribe_address
from damlink._serve.sent_event import make_event
from damlink._serve.subscriptions import subscriptions_of
from damlink._sns.envelope import MalformedError, parse_topic
from damlink._state.inbox import Inbox
from damlink.errors import ConfigError, DamlinkError

__all__ = ["EVENT_ACTS"]

MOST_ID: Final = 200


def subscribe_portal(desk: Desk, form: Query) -> Page:
    """Subscribe the event address at the portal, or repair its subscription; show what became of it."""
    portal = desk.config.portal(form.get("portal", "")).name
    address = event_url(desk, portal)
    # A portal may repeat the address in its error. Once revealed, no text has its secret part.
    Secret(address.rpartition("/")[2]).reveal()
    unreachable = find_unreachable(address)
    subscribed = subscribe_address(desk, portal, desk.open_portal(portal), address)
    desk.note(portal, {"outcome": subscribed.outcome})
    said = [text for text in (unreachable, subscribed.outcome) if text]
    if subscribed.request:
        # It has the event address, which signs nothing but lets anyone send to it: not for a browser.
        said.append(f"to ask Bynder for it, send the text that `damlink events subscribe {portal}` prints")
    return _show_again(desk, portal, notice=". ".join(said))


def send_event(desk: Desk, form: Query) -> str:
    """Put an event of an asset into the inbox, as if the portal had sent it."""
    portal = desk.config.portal(form.get("portal", "")).name
    asset, kind = form.get("asset", "").strip(), form.get("event", "")
    if not 0 < len(asset) <= MOST_ID or not asset.isprintable():
        raise WrongRequestError("asset is the id of an asset in the portal")
    if kind not in EVENTS:
        raise WrongRequestError(f"event is one of {', '.join(EVENTS)}")
    sent = make_event(portal, asset, kind)
    Inbox(desk.database).put(sent)
    desk.note(portal, {"event": sent.subject, "message": sent.message_id})
    return address_of("/events", portal=portal)


def replay_events(desk: Desk, form: Query) -> str:
    """Let one event, or those of a range, be processed once more."""
    portal = desk.config.portal(form.get("portal", "")).name
    first = read_event_number(form, "first", "")
    last = read_event_number(form, "last", str(first))
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
        return _show_again(desk, portal, problem=str(error))
    return address_of("/events", portal=portal)


def _show_again(desk: Desk, portal: str, **shown: Any) -> Page:
    """Return the page of events with what an act has to say."""
    page = show_events(desk, {"portal": portal})
    return attrs.evolve(page, data={**page.data, **shown})


EVENT_ACTS: Final[Mapping[str, Callable[[Desk, Query], str | Page]]] = {
    "/replay": replay_events,
    "/events/approve": approve_topic,
    "/events/subscribe": subscribe_portal,
    "/events/send": send_event,
}
