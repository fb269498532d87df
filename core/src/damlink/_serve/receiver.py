"""Processing of one message at a portal's event address: the order of the checks, and the answers."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

import attrs

from damlink._run.session import Session
from damlink._serve.address import event_token
from damlink._serve.subscriptions import Subscriptions, subscriptions_of
from damlink._sns.envelope import NOTIFICATION, SUBSCRIPTION, Envelope, MalformedError, is_envelope, parse
from damlink._sns.queue import Message
from damlink._sns.verify import Certificates, ForgedError, Verifier
from damlink._state.inbox import Inbox, Notification
from damlink.errors import StateError, TransientError

__all__ = ["Answer", "Endpoint", "EventReceiver", "endpoints_of"]

OnRefusal: TypeAlias = Callable[[str, str, str, bytes], None]

RAW_HEADER: Final = "x-amz-sns-rawdelivery"

_log = logging.getLogger(__name__)
_serve_log = logging.getLogger("damlink.serve")


@attrs.frozen
class Answer:
    """Response to the sender. SNS stops retrying after a 4xx, and retries after a 5xx.

    Source: Amazon SNS developer guide, "Message delivery retries".

    Attributes:
        outcome: one word for the metrics.
        reason: why the message was not taken, for people.
    """

    status: int
    outcome: str
    reason: str = attrs.field(default="", eq=False)


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
class Endpoint:
    """Where events of one portal arrive: its address, its queue, or both.

    Attributes:
        token: the secret part of the address; empty if there is none.
    """

    portal: str
    token: str = attrs.field(repr=False)
    verifier: Verifier
    subscriptions: Subscriptions


def endpoints_of(
    session: Session, certificates: Certificates, *, has_addresses: bool = True
) -> dict[str, Endpoint]:
    """Return the endpoints of all portals of the config, by portal.

    Args:
        has_addresses: make the addresses, too; else only portals with a queue have an endpoint.
    """
    portals = session.config.portals
    names = [name for name, each in portals.items() if has_addresses or each.unopened.event_queue]
    tokens = {name: event_token(session, name) if has_addresses else "" for name in names}
    return {name: _endpoint(session, name, token, certificates) for name, token in tokens.items()}


def _endpoint(session: Session, portal: str, token: str, certificates: Certificates) -> Endpoint:
    subscriptions = subscriptions_of(session, portal)
    sha256_only = session.config.portals[portal].unopened.event_sha256_only
    verifier = Verifier(subscriptions.hosts, certificates, sha256_only)
    return Endpoint(portal, token, verifier, subscriptions)


class EventReceiver:
    """Verifies messages and stores valid events in the inbox. Thread-safe.

    Args:
        on_confirmation: called after an approved topic has asked to be confirmed.
        on_refusal: called with portal, outcome, reason and body of a message that is refused at an address.
    """

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        inbox: Inbox,
        *,
        on_confirmation: Callable[[], None] = lambda: None,
        on_refusal: OnRefusal = lambda _portal, _outcome, _reason, _body: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.endpoints = endpoints
        self._inbox = inbox
        self._on_confirmation, self._on_refusal = on_confirmation, on_refusal
        self._now = now

    def authenticate(self, portal: str, token: str) -> Endpoint | None:
        """Return the portal's endpoint if the token is right."""
        endpoint = self.endpoints.get(portal)
        # Compared for an unknown portal as well: the time of the answer must not reveal which portals exist.
        expected = endpoint.token if endpoint else ""
        same = hmac.compare_digest(expected.encode(), token.encode("utf-8", "surrogatepass"))
        return endpoint if endpoint and endpoint.token and same else None

    def receive(self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> Answer:
        """Verify one message, store it durably, and return the answer.

        Args:
            headers: names in lower case. They are not signed: only the mark of raw delivery is read.
        """
        if headers.get(RAW_HEADER, "").lower() == "true":
            hint = "ask for raw message delivery to be switched off"
            _log.warning("%s: raw delivery carries no signature and is refused; %s", endpoint.portal, hint)
            self._on_refusal(endpoint.portal, RAW.outcome, f"raw delivery carries no signature; {hint}", b"")
            return RAW
        try:
            answer = _judge(lambda: self._process(endpoint, parse(body)))
        except StateError as error:
            answer = attrs.evolve(UNAVAILABLE, reason=f"an event cannot be received now: {error}")
        if answer.reason:
            level = logging.ERROR if answer == UNAVAILABLE else logging.WARNING
            _log.log(level, "%s: %s", endpoint.portal, answer.reason)
            if answer != UNAVAILABLE:
                self._on_refusal(endpoint.portal, answer.outcome, answer.reason, body)
        return answer

    def receive_queued(self, endpoint: Endpoint, queue: str, message: Message) -> Answer:
        """Verify one message of a queue, store it durably, and return the answer. A refusal is not logged.

        A message with SNS's envelope must be signed. One without comes by raw delivery: the queue's own
        access policy decides who may send it, and it must name an asset.

        Args:
            queue: its address.

        Raises:
            StateError: the database cannot be used now.
        """
        return _judge(lambda: self._process_queued(endpoint, queue, message))

    def _process_queued(self, endpoint: Endpoint, queue: str, message: Message) -> Answer:
        if is_envelope(message.body):
            body = message.body.encode("utf-8", "surrogatepass")
            return self._process(endpoint, parse(body), queued=True)
        notification = Notification(
            portal=endpoint.portal,
            topic=queue,
            message_id=message.id,
            subject="",
            message=message.body,
            occurred_at=datetime.fromtimestamp(message.sent_at, UTC) if message.sent_at else self._now(),
        )
        if not notification.asset_id:
            raise MalformedError("it has no envelope, and names no asset")
        return self._keep(notification)

    def _process(self, endpoint: Endpoint, envelope: Envelope, *, queued: bool = False) -> Answer:
        is_allowed = endpoint.subscriptions.is_allowed(envelope.topic.arn)
        endpoint.verifier.verify(envelope, self._now(), queued=queued)
        if not is_allowed:
            return self._note_unapproved(endpoint, envelope)
        if envelope.kind == SUBSCRIPTION:
            endpoint.subscriptions.note(envelope)
            self._on_confirmation()
            return NOTED
        return self._store(endpoint, envelope)

    def _note_unapproved(self, endpoint: Endpoint, envelope: Envelope) -> Answer:
        # The signature proves that the message comes from SNS, but not who owns the topic.
        endpoint.subscriptions.note(envelope)
        arn = envelope.topic.arn
        approve = f"damlink events approve {endpoint.portal} {arn}"
        return attrs.evolve(PENDING, reason=f"the topic {arn} is not approved; if it is yours: {approve}")

    def _store(self, endpoint: Endpoint, envelope: Envelope) -> Answer:
        # The end of a subscription is stored like an event. Its SubscribeURL would undo it, and is ignored.
        subject = envelope.subject if envelope.kind == NOTIFICATION else envelope.kind
        notification = Notification(
            portal=endpoint.portal,
            topic=envelope.topic.arn,
            message_id=envelope.message_id,
            subject=subject,
            message=envelope.message,
            occurred_at=envelope.timestamp,
        )
        answer = self._keep(notification)
        if answer is STORED and envelope.kind != NOTIFICATION:
            endpoint.subscriptions.mark_ended(envelope.topic.arn)
        return answer

    def _keep(self, notification: Notification) -> Answer:
        if not self._inbox.put(notification):
            return DUPLICATE
        about, subject = notification.asset_id or "no asset", notification.subject or "without subject"
        _serve_log.info("%s: event %s of %s stored", notification.portal, subject, about)
        return STORED


def _judge(process: Callable[[], Answer]) -> Answer:
    """Return the answer of a process, or that to its error, with the reason."""
    try:
        return process()
    except MalformedError as error:
        return attrs.evolve(MALFORMED, reason=f"not an SNS message: {error}")
    except ForgedError as error:
        return attrs.evolve(FORGED, reason=f"a message was refused as forged: {error}")
    except TransientError as error:
        return attrs.evolve(UNAVAILABLE, reason=f"an event cannot be received now: {error}")
