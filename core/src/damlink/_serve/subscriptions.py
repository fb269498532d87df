"""A portal's topics: which may tell us of changes, and how a subscription to one is confirmed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

import attrs

from damlink._config.tables import PortalConfig
from damlink._run.session import Session
from damlink._secrets.crypto import Cipher
from damlink._sns import Envelope, Hosts, confirm, parse_topic
from damlink._state.sealed import topic_name
from damlink._state.topics import Topics

__all__ = ["Subscriptions", "subscriptions_of"]

MOST_PENDING: Final = 50  # whoever knows the address could send from any number of topics; assumed

_log = logging.getLogger(__name__)


@attrs.frozen
class Subscriptions:
    """The topics of one portal.

    Args:
        listed: ARNs that the config lets in.
        cipher: seals the tokens of confirmations.
    """

    portal: str
    listed: tuple[str, ...]
    hosts: Hosts
    topics: Topics
    cipher: Callable[[], Cipher]

    def is_allowed(self, arn: str) -> bool:
        """Whether the config or a person has let a topic in."""
        return arn in self.listed or self.topics.state(self.portal, arn) == "approved"

    def note(self, envelope: Envelope, now: datetime) -> None:
        """Remember a topic that is what it says, and the token of its request to be confirmed."""
        arn, known = envelope.topic.arn, self.topics.listing(self.portal)
        pending = [topic for topic in known if topic.state == "pending" and topic.arn != arn]
        if len(pending) >= MOST_PENDING and not self.is_allowed(arn):
            _log.warning("%s: too many topics wait for approval; %s is not kept", self.portal, arn)
            return
        name = topic_name(self.portal, arn)
        token = self.cipher().seal(envelope.token.encode(), name) if envelope.token else None
        self.topics.note(self.portal, arn, token, now)

    def approve(self, arn: str, now: datetime) -> None:
        """Let a topic in."""
        self.topics.approve(self.portal, arn, now)

    def confirm(self, arn: str, now: datetime) -> str | None:
        """Confirm a topic's subscription with the token it has sent.

        Returns:
            The subscription's ARN, or `None` where no token waits.

        Raises:
            ConnectorError: SNS refused it, or was not reached.
        """
        sealed = self.topics.token(self.portal, arn)
        if sealed is None:
            return None
        subscription = confirm(
            self.hosts, parse_topic(arn), self.cipher().open(sealed, topic_name(self.portal, arn)).decode()
        )
        self.topics.mark_confirmed(self.portal, arn, now)
        _log.info("%s: the subscription %s is confirmed", self.portal, subscription)
        return subscription

    def ended(self, arn: str) -> None:
        """Note that a subscription has ended. Nobody undoes it."""
        again = f"if nobody wanted that: damlink events subscribe {self.portal}"
        _log.warning(
            "%s: the subscription to %s has ended, and events no longer come; %s", self.portal, arn, again
        )
        self.topics.mark_ended(self.portal, arn)

    def waiting(self) -> Iterator[tuple[str, bytes]]:
        """The topics that are let in and wait to be confirmed, each with its sealed token."""
        for topic in self.topics.listing(self.portal):
            if topic.arn in self.listed or topic.state == "approved":
                sealed = self.topics.token(self.portal, topic.arn)
                if sealed is not None:
                    yield topic.arn, sealed


def subscriptions_of(session: Session, portal: str) -> Subscriptions:
    """The topics of a portal of the config."""
    settings: PortalConfig = session.config.portals[portal].unopened
    return Subscriptions(
        portal,
        settings.event_topics,
        Hosts(settings.event_hosts),
        Topics(session.database),
        lambda: session.cipher,
    )
