"""SNS topics of a portal: which are approved, and the confirmation of their subscriptions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Final

import attrs

from damlink._config.tables import PortalConfig
from damlink._run.session import Session
from damlink._secrets.crypto import Cipher
from damlink._sns.envelope import Envelope, parse_topic
from damlink._sns.hosts import Hosts
from damlink._sns.verify import confirm
from damlink._state.sealed import topic_name
from damlink._state.topics import Topics
from damlink.errors import ConnectorError

__all__ = ["Subscriptions", "subscriptions_of"]

# Anyone who has the address can send from any number of topics, so the table must not grow without limit.
MOST_PENDING: Final = 50

_log = logging.getLogger(__name__)


@attrs.frozen
class Subscriptions:
    """The topics of one portal.

    Args:
        listed: ARNs of the topics that the config approves.
        cipher: encrypts the tokens of confirmations.
    """

    portal: str
    listed: tuple[str, ...]
    hosts: Hosts
    topics: Topics
    cipher: Callable[[], Cipher]

    def is_allowed(self, arn: str) -> bool:
        """Return whether the config or an administrator has approved a topic."""
        return arn in self.listed or self.topics.state(self.portal, arn) == "approved"

    def note(self, envelope: Envelope) -> None:
        """Store a topic whose message was verified, and the token of its request to be confirmed."""
        arn, known = envelope.topic.arn, self.topics.listing(self.portal)
        pending = [topic for topic in known if topic.state == "pending" and topic.arn != arn]
        if len(pending) >= MOST_PENDING and not self.is_allowed(arn):
            _log.warning("%s: too many topics wait for approval; %s is not kept", self.portal, arn)
            return
        name = topic_name(self.portal, arn)
        token = self.cipher().seal(envelope.token.encode(), name) if envelope.token else None
        self.topics.note(self.portal, arn, token)

    def approve(self, arn: str) -> None:
        """Approve a topic."""
        self.topics.approve(self.portal, arn)

    def confirm(self, arn: str) -> str | None:
        """Confirm a topic's subscription with the token of its last request.

        Returns:
            The ARN of the subscription, or `None` if no request is pending.

        Raises:
            ConnectorError: SNS refused the confirmation, or could not be reached.
        """
        sealed = self.topics.token(self.portal, arn)
        if sealed is None:
            return None
        subscription = confirm(
            self.hosts, parse_topic(arn), self.cipher().open(sealed, topic_name(self.portal, arn)).decode()
        )
        self.topics.mark_confirmed(self.portal, arn)
        _log.info("%s: the subscription %s is confirmed", self.portal, subscription)
        return subscription

    def confirm_approved(self, arn: str) -> bool:
        """Confirm the subscription of a topic that was just approved; return whether a request was pending.

        Raises:
            ConnectorError: the topic is approved, but not confirmed.
        """
        try:
            return self.confirm(arn) is not None
        except ConnectorError as error:
            hint = "`damlink serve` keeps trying for two days; then run `damlink events subscribe` again"
            raise ConnectorError(f"{arn} is approved, but not confirmed: {error}", hint=hint) from error

    def mark_ended(self, arn: str) -> None:
        """Record that a subscription has ended, and warn: it is not restored automatically."""
        again = f"to restore it: damlink events subscribe {self.portal}"
        _log.warning(
            "%s: the subscription to %s has ended, and events no longer come; %s", self.portal, arn, again
        )
        self.topics.mark_ended(self.portal, arn)

    def pending(self) -> Iterator[tuple[str, bytes]]:
        """Yield the ARNs of approved topics that are not confirmed yet, each with its encrypted token."""
        for topic in self.topics.listing(self.portal):
            if topic.arn in self.listed or topic.state == "approved":
                sealed = self.topics.token(self.portal, topic.arn)
                if sealed is not None:
                    yield topic.arn, sealed


def subscriptions_of(session: Session, portal: str) -> Subscriptions:
    """Return the topics of a portal of the config."""
    settings: PortalConfig = session.config.portals[portal].unopened
    return Subscriptions(
        portal,
        settings.event_topics,
        Hosts(settings.event_hosts),
        Topics(session.database),
        lambda: session.cipher,
    )
