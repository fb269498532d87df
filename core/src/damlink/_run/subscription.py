"""The portal's subscription to our event address, and its confirmation.

Until a subscription is confirmed, nothing is sent to its endpoint. Source: Amazon SNS developer guide.
"""

from __future__ import annotations

from typing import Final

from damlink._run.session import Session
from damlink.bynder import Portal, Webhook
from damlink.errors import BynderError

__all__ = [
    "WITHOUT_SELF_SERVICE",
    "describe_subscription",
    "find_subscription",
    "get_event_address",
    "is_pending",
]

WITHOUT_SELF_SERVICE: Final = frozenset({403, 404})


def get_event_address(session: Session, portal: str) -> str:
    """Return a portal's event address, or an empty text if none was created yet."""
    public = session.config.serve.public_url.rstrip("/")
    token = session.secrets.get(f"events.{portal}") if public and session.has_database else None
    return f"{public}/events/{portal}/{token}" if token else ""


def find_subscription(portal: Portal, address: str) -> Webhook | None:
    """Return the portal's subscription to an address; of several, a confirmed one."""
    ours = [webhook for webhook in portal.webhooks.list() if webhook.endpoint == address]
    return min(ours, key=is_pending, default=None)


def is_pending(webhook: Webhook) -> bool:
    """Return whether the portal shows a subscription as unconfirmed; some portals do not show it."""
    return webhook.confirmed is False


def describe_subscription(session: Session, name: str, portal: Portal) -> tuple[str, bool]:
    """Describe the portal's subscription to our event address.

    Returns:
        A text, and whether events arrive as far as the portal shows it.

    Raises:
        BynderError: the portal does not answer.
    """
    address = get_event_address(session, name)
    subscribe = f"damlink events subscribe {name}"
    if not address:
        return f"nothing is subscribed yet; {subscribe}", True
    try:
        found = find_subscription(portal, address)
    except BynderError as error:
        if error.status not in WITHOUT_SELF_SERVICE:
            raise
        return "the portal does not show its subscriptions to us", True
    if found is None:
        return f"the portal shows no subscription of our address; {subscribe}", True
    if is_pending(found):
        return f"the subscription {found.id} is not confirmed, and no event comes; {subscribe}", False
    is_known = found.confirmed is not None
    return f"the subscription {found.id} is {'confirmed' if is_known else 'there'}", True
