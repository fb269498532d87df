"""One SNS topic with its subscriptions: what is sent to whom, signed, with scripted faults."""

from __future__ import annotations

import json
import secrets
import threading
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import attrs

from damlink_sandbox.mark import SECRET_MARK
from damlink_sandbox.sns.delivery import Courier, Parcel
from damlink_sandbox.sns.keys import Signer
from damlink_sandbox.world import World

__all__ = ["FAULTS", "Subscription", "Topic"]

ARN = "arn:aws:sns:eu-west-1:111122223333:sandbox-portal-events"
FOREIGN_ARN = "arn:aws:sns:eu-west-1:999988887777:somebody-else"
# Source: Amazon SNS API reference, `Subscribe`.
TOKEN_LIFE = timedelta(days=2)
FAULTS = (
    "duplicate", "reorder", "delay", "tampered", "foreign-topic", "bad-cert-host", "expired", "raw",
)  # fmt: skip
# A reordered message also waits for the next one.
_LATE = ("delay", "reorder")


def _new_token() -> str:
    """Return a token that confirms a subscription."""
    return SECRET_MARK + secrets.token_hex(58)


@attrs.define
class Subscription:
    """One endpoint. `token` is what it confirms with."""

    id: str
    endpoint: str
    subjects: tuple[str, ...]
    token: str
    token_made: datetime
    confirmed: bool = False
    ended: bool = False

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"{ARN}:{self.id}"


@attrs.define
class _Fault:
    kind: str
    times: int
    seconds: float


class Topic:
    """The portal's topic.

    Attributes:
        version: the signature version of what is sent, "1" or "2".
        messages: how many have been published.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.signer, self.courier = Signer(), Courier()
        self.certificate_path = f"/SimpleNotificationService-{secrets.token_hex(16)}.pem"
        self.subscriptions: dict[str, Subscription] = {}
        self.version = "1"
        self.messages = 0
        self._faults: list[_Fault] = []
        self._held: list[tuple[str | None, str, _Fault]] = []
        self._lock = threading.RLock()

    # --- subscriptions -----------------------------------------------------------------------------

    def subscribe(self, endpoint: str, subjects: Sequence[str]) -> Subscription:
        """Begin a subscription: its confirmation is sent at once."""
        made = Subscription(
            str(uuid.uuid4()),
            endpoint,
            tuple(subjects),
            _new_token(),
            self._world.clock.now(),
        )
        with self._lock:
            self.subscriptions[made.id] = made
        self._send_confirmation(made, "SubscriptionConfirmation")
        return made

    def confirm(self, token: str) -> Subscription | None:
        """Confirm by token; `None` where it is wrong or too old. It also restores what has ended."""
        with self._lock:
            for each in self.subscriptions.values():
                fresh = self._world.clock.now() - each.token_made < TOKEN_LIFE
                if secrets.compare_digest(each.token.encode(), token.encode()) and fresh:
                    each.confirmed, each.ended = True, False
                    return each
        return None

    def end(self, subscription: str) -> None:
        """End a subscription; a confirmed endpoint gets a message about it."""
        with self._lock:
            ended = self.subscriptions[subscription]
            was_confirmed = ended.confirmed
            ended.confirmed, ended.ended = False, True
            # For the message about the end, whose address restores the subscription.
            ended.token, ended.token_made = _new_token(), self._world.clock.now()
        if was_confirmed:
            self._send_confirmation(ended, "UnsubscribeConfirmation")

    def _send_confirmation(self, subscription: Subscription, kind: str) -> None:
        chosen = "confirm" if kind.startswith("Sub") else "restore"
        query = urlencode({"Action": "ConfirmSubscription", "TopicArn": ARN, "Token": subscription.token})
        fields = {
            "Type": kind,
            "MessageId": str(uuid.uuid4()),
            "Token": subscription.token,
            "TopicArn": ARN,
            "Message": f"You have chosen to {chosen} a subscription to the topic {ARN}.\n"
            "To go on, visit the SubscribeURL in this message.",
            "SubscribeURL": f"{self._world.origins['sns']}/?{query}",
            "Timestamp": self._moment(),
        }
        self._deliver(subscription, fields)

    # --- messages ----------------------------------------------------------------------------------

    def script(self, kind: str, times: int = 1, seconds: float = 1.0) -> None:
        """Let the next messages go wrong."""
        if kind not in FAULTS:
            raise ValueError(f"no fault {kind!r}; there are {', '.join(FAULTS)}")
        with self._lock:
            self._faults.append(_Fault(kind, times, seconds))

    def publish(self, subject: str | None, message: str) -> None:
        """Send a message to every confirmed subscription that wants it."""
        with self._lock:
            self.messages += 1
            fault = self._strike()
            if fault and fault.kind == "reorder":
                self._held.append((subject, message, fault))
                return
            held, self._held = self._held, []
        self._send(subject, message, fault)
        # After the newer message: this is the wrong order that the fault asks for.
        for each in held:
            self._send(*each)

    def _strike(self) -> _Fault | None:
        for fault in self._faults:
            if fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def _send(self, subject: str | None, message: str, fault: _Fault | None) -> None:
        wanting = [
            each
            for each in list(self.subscriptions.values())
            if each.confirmed and (not each.subjects or subject in each.subjects)
        ]
        for subscription in wanting:
            fields = {
                "Type": "Notification",
                "MessageId": str(uuid.uuid4()),
                "TopicArn": ARN,
                **({} if subject is None else {"Subject": subject}),
                "Message": message,
                "Timestamp": self._moment(),
            }
            self._deliver(subscription, fields, fault)

    def _deliver(
        self, subscription: Subscription, fields: dict[str, str], fault: _Fault | None = None
    ) -> None:
        kind = fault.kind if fault else ""
        # Before the signature, so that it fits: only the topic or the time is wrong.
        if kind == "foreign-topic":
            fields["TopicArn"] = FOREIGN_ARN
        if kind == "expired":
            fields["Timestamp"] = self._moment(-timedelta(hours=3))
        fields |= self._signature(fields, subscription)
        # After the signature, so that it does not fit.
        if kind == "tampered":
            fields["Message"] += " "
        if kind == "bad-cert-host":
            fields["SigningCertURL"] = f"https://sns.s3-us-west-2.amazonaws.com{self.certificate_path}"
        body = fields["Message"] if kind == "raw" else json.dumps(fields, indent=2, ensure_ascii=False)
        about = {
            "subscription": subscription.id,
            "type": fields["Type"],
            "message_id": fields["MessageId"],
            "subject": fields.get("Subject", ""),
            "fault": kind,
        }
        headers = _headers(fields, subscription, raw=kind == "raw")
        for _ in range(2 if kind == "duplicate" else 1):
            parcel = Parcel(subscription.endpoint, headers, body.encode(), about)
            self.courier.send(parcel, fault.seconds if fault and kind in _LATE else 0.0)

    def _signature(self, fields: Mapping[str, str], subscription: Subscription) -> dict[str, str]:
        added = {
            "SignatureVersion": self.version,
            "Signature": self.signer.sign(fields, self.version),
            "SigningCertURL": f"{self._world.origins['sns']}{self.certificate_path}",
        }
        if fields["Type"] == "Notification":
            query = urlencode({"Action": "Unsubscribe", "SubscriptionArn": subscription.arn})
            added["UnsubscribeURL"] = f"{self._world.origins['sns']}/?{query}"
        return added

    def _moment(self, moved: timedelta = timedelta()) -> str:
        now = self._world.clock.now() + moved
        return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"

    def state(self) -> Any:
        """Return the contents of the topic and its history."""
        with self._lock:
            listed = [
                {"id": each.id, "endpoint": each.endpoint, "subjects": [*each.subjects]}
                | {"confirmed": each.confirmed, "ended": each.ended}
                for each in self.subscriptions.values()
            ]
        return {
            "topic": ARN,
            "published": self.messages,
            "subscriptions": listed,
            "deliveries": list(self.courier.noted),
            "idle": self.courier.is_idle(),
        }


def _headers(fields: Mapping[str, str], subscription: Subscription, *, raw: bool) -> dict[str, str]:
    """Return the headers that SNS sends. Source: Amazon SNS developer guide."""
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": fields["Type"],
        "x-amz-sns-message-id": fields["MessageId"],
        "x-amz-sns-topic-arn": fields["TopicArn"],
    }
    if fields["Type"] != "SubscriptionConfirmation":
        headers["x-amz-sns-subscription-arn"] = subscription.arn
    if raw:
        headers["x-amz-sns-rawdelivery"] = "true"
    return headers
