"""What becomes of one message at a portal's address: the order of the checks, and the answers."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import attrs

from damlink._run.session import Session
from damlink._serve.address import event_token
from damlink._serve.subscriptions import Subscriptions, subscriptions_of
from damlink._sns import (
    NOTIFICATION,
    SUBSCRIPTION,
    Certificates,
    Envelope,
    ForgedError,
    MalformedError,
    Verifier,
    parse,
)
from damlink._state.inbox import Inbox, Notification
from damlink.errors import StateError, TransientError

__all__ = ["Answer", "Gate", "Intake", "gates_of"]

RAW_HEADER: Final = "x-amz-sns-rawdelivery"

_log = logging.getLogger(__name__)
_said = logging.getLogger("damlink.serve")


@attrs.frozen
class Answer:
    """What the sender is told. A 4xx ends its retries, a 5xx asks for another try.

    Source: Amazon SNS developer guide, "Message delivery retries".

    Attributes:
        outcome: one word for the metrics.
    """

    status: int
    outcome: str


STORED: Final = Answer(200, "stored")
DUPLICATE: Final = Answer(200, "duplicate")
NOTED: Final = Answer(200, "confirmation")
MALFORMED: Final = Answer(400, "malformed")
RAW: Final = Answer(403, "raw")
FORGED: Final = Answer(403, "forged")
PENDING: Final = Answer(403, "pending")
UNKNOWN: Final = Answer(404, "unknown")
UNAVAILABLE: Final = Answer(503, "unavailable")


@attrs.frozen
class Gate:
    """One portal's way in.

    Attributes:
        token: the secret part of its address.
    """

    portal: str
    token: str = attrs.field(repr=False)
    verifier: Verifier
    subscriptions: Subscriptions


def gates_of(session: Session, certificates: Certificates) -> dict[str, Gate]:
    """The ways in, one for each portal of the config."""
    return {name: _gate(session, name, certificates) for name in session.config.portals}


def _gate(session: Session, portal: str, certificates: Certificates) -> Gate:
    subscriptions = subscriptions_of(session, portal)
    sha256_only = session.config.portals[portal].unopened.event_sha256_only
    verifier = Verifier(subscriptions.hosts, certificates, sha256_only)
    return Gate(portal, event_token(session, portal), verifier, subscriptions)


class Intake:
    """Judges messages and keeps the good ones; called from many threads.

    Args:
        on_stored: told after a notification has been kept.
        on_confirmation: told after a topic we know has asked to be confirmed.
    """

    def __init__(
        self,
        gates: Mapping[str, Gate],
        inbox: Inbox,
        *,
        on_stored: Callable[[], None] = lambda: None,
        on_confirmation: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.gates = gates
        self._inbox = inbox
        self._on_stored, self._on_confirmation = on_stored, on_confirmation
        self._now = now

    def admits(self, portal: str, token: str) -> Gate | None:
        """The portal's gate, if this is its token; an unknown portal takes as long to refuse."""
        gate = self.gates.get(portal)
        expected = gate.token if gate else ""
        same = hmac.compare_digest(expected.encode(), token.encode("utf-8", "surrogatepass"))
        return gate if gate and same else None

    def take(self, gate: Gate, headers: Mapping[str, str], body: bytes) -> Answer:
        """Judge one message, and keep it before this returns.

        Args:
            headers: names in lower case; not signed, so nothing but raw delivery is read from them.
        """
        if headers.get(RAW_HEADER, "").lower() == "true":
            hint = "ask for raw message delivery to be switched off"
            _log.warning("%s: raw delivery carries no signature and is refused; %s", gate.portal, hint)
            return RAW
        try:
            envelope = parse(body)
            return self._judged(gate, envelope)
        except MalformedError as error:
            _log.warning("%s: not an SNS message: %s", gate.portal, error)
            return MALFORMED
        except ForgedError as error:
            _log.warning("%s: a message that is not to be believed: %s", gate.portal, error)
            return FORGED
        except (StateError, TransientError) as error:
            _log.error("%s: an event cannot be taken now: %s", gate.portal, error)
            return UNAVAILABLE

    def _judged(self, gate: Gate, envelope: Envelope) -> Answer:
        now = self._now()
        is_allowed = gate.subscriptions.is_allowed(envelope.topic.arn)
        gate.verifier.verify(envelope, now)
        if not is_allowed:
            return self._strange(gate, envelope, now)
        if envelope.kind == SUBSCRIPTION:
            gate.subscriptions.note(envelope, now)
            self._on_confirmation()
            return NOTED
        return self._kept(gate, envelope, now)

    def _strange(self, gate: Gate, envelope: Envelope, now: datetime) -> Answer:
        """A signature proves that some topic sent it, not whose: a person decides."""
        gate.subscriptions.note(envelope, now)
        arn = envelope.topic.arn
        approve = f"damlink events approve {gate.portal} {arn}"
        _log.warning("%s: the topic %s is not approved; if it is yours: %s", gate.portal, arn, approve)
        return PENDING

    def _kept(self, gate: Gate, envelope: Envelope, now: datetime) -> Answer:
        """The end of a subscription is kept like an event. Its address would restore it: nobody asks it."""
        subject = envelope.subject if envelope.kind == NOTIFICATION else envelope.kind
        notification = Notification(
            portal=gate.portal,
            topic=envelope.topic.arn,
            message_id=envelope.message_id,
            subject=subject,
            message=envelope.message,
            occurred_at=envelope.timestamp,
        )
        if not self._inbox.put(notification, now):
            return DUPLICATE
        if envelope.kind != NOTIFICATION:
            gate.subscriptions.ended(envelope.topic.arn)
        about = notification.asset_id or "no asset"
        _said.info("%s: event %s of %s kept", gate.portal, subject or "without subject", about)
        self._on_stored()
        return STORED
