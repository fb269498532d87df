"""SNS as a part of the sandbox: the topic that a portal's webhooks publish to.

Source: Amazon SNS developer guide. It shares nothing with what it tests.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from damlink_sandbox.router import Answer, Call, Router, Routes
from damlink_sandbox.sns.topic import ARN, Subscription, Topic
from damlink_sandbox.world import JSON, World

__all__ = ["SnsSandbox"]

routes: Routes[Topic] = Routes()


class SnsSandbox:
    """The stand-in for SNS with one topic. Service `sns`.

    Attributes:
        topic: which a test may sign with, or make say what it likes.
    """

    name = "sns"

    def __init__(self, world: World) -> None:
        self._world, self.topic = world, Topic(world)
        world.broker = self

    # --- what the portal's webhooks use ------------------------------------------------------------

    def subscribe(self, endpoint: str, subjects: Sequence[str]) -> str:
        """Begin a subscription; its endpoint is asked to confirm at once."""
        return self.topic.subscribe(endpoint, subjects).id

    def unsubscribe(self, subscription: str) -> None:
        """End a subscription."""
        self.topic.end(subscription)

    def is_confirmed(self, subscription: str) -> bool:
        """Return whether the subscription's endpoint has confirmed it."""
        return self.topic.subscriptions[subscription].confirmed

    def publish(self, subject: str, message: Mapping[str, JSON]) -> None:
        """Send a notification; returns at once."""
        self.topic.publish(subject, json.dumps(message))

    # --- a part of the sandbox ---------------------------------------------------------------------

    def services(self) -> Mapping[str, Any]:
        """Return the certificate, and the calls that end in a browser or a receiver: confirm, unsubscribe."""
        topic, lock = self.topic, contextlib.nullcontext()
        root = functools.partial(_action, topic)
        return {"sns": Router(topic, routes.all, lock=lock, unknown=root)}

    def state(self) -> JSON:
        """Return `subscriptions`, and every attempt in `deliveries` with its answer."""
        return self.topic.state()

    def control(self, action: str, body: Mapping[str, JSON]) -> JSON:
        """`subscribe`, `unsubscribe`, `publish`, `fault`, `signature`, `retry`."""
        topic = self.topic
        if action == "subscribe":
            return {"id": self.subscribe(str(body["endpoint"]), [*body.get("subjects", ())])}
        if action == "unsubscribe":
            topic.end(str(body["id"]))
        elif action == "publish":
            subject = body.get("subject")
            topic.publish(subject, _text(body.get("message", "")))
        elif action == "fault":
            topic.script(str(body["kind"]), int(body.get("times", 1)), float(body.get("seconds", 1.0)))
        elif action == "signature":
            topic.version = str(body["version"])
        elif action == "retry":
            courier = topic.courier
            courier.attempts = int(body.get("attempts", courier.attempts))
            courier.pause = float(body.get("seconds", courier.pause))
        else:
            raise KeyError(action)
        return {}

    def connector(self) -> Mapping[str, JSON]:
        """None: events come through the portal."""
        return {}

    def portal(self) -> Mapping[str, JSON]:
        """Return what the portal's table of a config needs so that this sandbox's events are accepted."""
        return {
            "event_topics": [ARN],
            "event_hosts": [self._world.origins["sns"].removeprefix("http://")],
        }

    def secrets(self) -> Iterable[str]:
        """None."""
        return ()


def _text(message: JSON) -> str:
    return message if isinstance(message, str) else json.dumps(message)


@routes.add("GET /{certificate}", open=True)
def _certificate(topic: Topic, call: Call) -> Answer:
    if call.path != topic.certificate_path:
        return _unknown(call)
    return Answer(200, topic.signer.pem, "application/x-pem-file")


def _action(topic: Topic, call: Call) -> Answer:
    if call.path:
        return _unknown(call)
    asked = {**call.query, **call.form()}
    if asked.get("Action") == "ConfirmSubscription":
        return _confirm(topic, asked)
    if asked.get("Action") == "Unsubscribe":
        return _unsubscribe(topic, asked)
    return _error("InvalidAction", "The action is not valid for this endpoint.")


def _confirm(topic: Topic, asked: Mapping[str, str]) -> Answer:
    found = topic.confirm(asked.get("Token", "")) if asked.get("TopicArn") == ARN else None
    if found is None:
        return _error("InvalidParameter", "Invalid parameter: Token")
    return _result("ConfirmSubscription", found)


def _unsubscribe(topic: Topic, asked: Mapping[str, str]) -> Answer:
    for each in list(topic.subscriptions.values()):
        if each.arn == asked.get("SubscriptionArn"):
            topic.end(each.id)
            return _result("Unsubscribe", each)
    return _error("NotFound", "Subscription does not exist")


def _result(action: str, subscription: Subscription) -> Answer:
    result = f"<SubscriptionArn>{escape(subscription.arn)}</SubscriptionArn>"
    body = f"<{action}Result>{result}</{action}Result>"
    text = f'<{action}Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/">{body}</{action}Response>'
    return Answer(200, text.encode(), "text/xml")


def _error(code: str, message: str) -> Answer:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return Answer(400, f"<ErrorResponse>{error}</ErrorResponse>".encode(), "text/xml")


def _unknown(_call: Call) -> Answer:
    return Answer(404, b"<ErrorResponse/>", "text/xml")
