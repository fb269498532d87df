"""Subscription of the event address at a portal, and repair of one that was never confirmed."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urljoin

import attrs

from damlink._http.fetch import fetch
from damlink._run.session import Session
from damlink._run.subscription import WITHOUT_SELF_SERVICE, find_subscription, is_pending
from damlink._serve.subscriptions import Subscriptions, subscriptions_of
from damlink.bynder import Portal, Webhook
from damlink.errors import BynderError, ConnectorError

__all__ = ["EVENTS", "Subscribed", "find_unreachable", "subscribe_address"]

EVENTS: Final = (  # Source: Bynder's help page on webhooks; api.bynder.com, "Webhooks"
    "asset_bank.media.create",
    "asset_bank.media.updated",
    "asset_bank.media.meta_updated",
    "asset_bank.media.archived",
    "asset_bank.media.deleted",
    "asset_bank.media.pre_archived",
    "workflow.job.create",
    "antivirus.scan.failed",
)
PRE_ARCHIVED_DAYS: Final = 5  # as in Bynder's own example
NAME: Final = "Damlink"
CONFIRMATION_SECONDS: Final = 5.0
TOKEN_LIFE: Final = timedelta(days=2)  # Source: Amazon SNS API reference, `Subscribe`
REACHED: Final = "that [serve] public_url can be reached from the internet"
_REQUEST: Final = """\
Hello,

please switch on event notifications (SNS) for our portal {portal}:

- all SNS notifications that you offer, which are, as far as we know:
{events}
- through the API channel,
- sent right after an asset has been uploaded or modified,
- as HTTPS notifications, not as raw messages, to this address:

  {url}

The address answers the request to confirm the subscription by itself. Please keep it to yourself, and tell us
the ARN of the topic. One request is enough: everything that we connect to this portal shares the address.

Thank you.
"""


@attrs.frozen
class Subscribed:
    """Result of an attempt to subscribe.

    Attributes:
        outcome: its state, as a text.
        request: to send to Bynder, where the portal allows no subscriptions; it has the event address.
    """

    outcome: str
    request: str = ""


def subscribe_address(session: Session, portal: str, opened: Portal, address: str) -> Subscribed:
    """Subscribe the address or repair its subscription; this takes some seconds.

    Raises:
        BynderError: the portal does not answer, or refuses for another reason than a lack of permission.
    """
    try:
        return Subscribed(_subscribe_or_repair(session, portal, opened, address))
    except BynderError as error:
        if error.status not in WITHOUT_SELF_SERVICE:
            raise
        request = _write_request(session.config.portals[portal].unopened.url, address)
        return Subscribed(f"the portal does not allow subscriptions ({error.status})", request)


def _subscribe_or_repair(session: Session, portal: str, opened: Portal, address: str) -> str:
    found = find_subscription(opened, address)
    if found is not None and not is_pending(found):
        opened.webhooks.update(found.id, events=EVENTS, pre_archived_notification_days=PRE_ARCHIVED_DAYS)
        unsaid = "; it does not say whether they are confirmed" if found.confirmed is None else ""
        return f"the portal sends its events here already ({found.id}); all are switched on{unsaid}"
    subscriptions = subscriptions_of(session, portal)
    if found is not None and (said := _confirmation(subscriptions)):
        return f"the subscription {found.id} is not confirmed yet; {said}"
    if found is not None:
        # The API has no request for another confirmation; only a new subscription causes one.
        opened.webhooks.delete(found.id)
    made = _subscribe(opened, address)
    again = f"in place of {found.id}, which was never confirmed; " if found else ""
    return f"subscribed ({made.id}); {again}{_wait_for_confirmation(opened, made.id, subscriptions)}"


def _subscribe(portal: Portal, address: str) -> Webhook:
    return portal.webhooks.create(
        name=NAME,
        endpoint=address,
        protocol=address.partition(":")[0],
        events=EVENTS,
        pre_archived_notification_days=PRE_ARCHIVED_DAYS,
    )


def _wait_for_confirmation(portal: Portal, webhook: str, subscriptions: Subscriptions) -> str:
    """Wait a few seconds for the confirmation of a new subscription, and return its state as text."""
    # `damlink serve` confirms it in another process, so the portal and the database are polled.
    deadline = time.monotonic() + CONFIRMATION_SECONDS
    while time.monotonic() < deadline:
        if portal.webhooks.get(webhook).confirmed is not False:
            return "its confirmation is complete, and events come"
        if said := _confirmation(subscriptions):
            return said
        time.sleep(CONFIRMATION_SECONDS / 10)
    pending = f"pending: no request to confirm it has come; see that `damlink serve` runs and {REACHED}, then"
    return f"{pending} `damlink events subscribe {subscriptions.portal}` once more"


def _confirmation(subscriptions: Subscriptions) -> str:
    """Confirm a pending subscription of an approved topic, and return its state as text.

    Returns:
        An empty string if no request to confirm is pending.
    """
    now = datetime.now(UTC)
    for topic in subscriptions.topics.listing(subscriptions.portal):
        if now - topic.noted_at > TOKEN_LIFE or not subscriptions.topics.token(topic.portal, topic.arn):
            continue
        if not subscriptions.is_allowed(topic.arn):
            return f"approve its topic: damlink events approve {topic.portal} {topic.arn}"
        try:
            subscriptions.confirm(topic.arn)
        except ConnectorError as error:
            return f"its confirmation was refused, and `damlink serve` goes on trying: {error}"
        return "its confirmation is complete, and events come"
    return ""


def find_unreachable(address: str) -> str:
    """Return why `damlink serve` does not answer at its address, or an empty text.

    SNS asks for the confirmation at once, and for a minute only.
    Source: Amazon SNS developer guide, "Message delivery retries".
    """
    try:
        fetch(urljoin(address, "/healthz"), most_bytes=1024, seconds=5)
    except ConnectorError as error:
        if error.status is None:
            return f"{error}; `damlink serve` should run before a portal subscribes"
    return ""


def _write_request(portal_url: str, address: str) -> str:
    """Return the text of a request to Bynder, for a portal that offers no self-service for subscriptions."""
    events = "\n".join(f"  {event}" for event in EVENTS)
    return _REQUEST.format(portal=portal_url, events=events, url=address)
