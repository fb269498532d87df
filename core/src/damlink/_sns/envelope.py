"""An SNS envelope: read strictly, nothing of it believed yet; and the text that its signature is over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import attrs

__all__ = [
    "LARGEST_BYTES",
    "NOTIFICATION",
    "SUBSCRIPTION",
    "UNSUBSCRIPTION",
    "Envelope",
    "MalformedError",
    "Topic",
    "parse",
    "parse_topic",
]

# A message is 256 KiB at most (Amazon SNS developer guide); the allowance for its escaping is assumed.
LARGEST_BYTES: Final = 1024 * 1024
LONGEST_FIELD: Final = 4096  # characters of any field but the message; assumed
DEEPEST: Final = 8  # an envelope is 3 deep
MOST_BRACKETS: Final = 20_000  # attributes are the only ones inside an envelope; assumed

NOTIFICATION: Final = "Notification"
SUBSCRIPTION: Final = "SubscriptionConfirmation"
UNSUBSCRIPTION: Final = "UnsubscribeConfirmation"

_NOTIFICATION_FIELDS: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION_FIELDS: Final = (
    "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
)  # fmt: skip
_SIGNED: Final = {
    NOTIFICATION: _NOTIFICATION_FIELDS,
    SUBSCRIPTION: _CONFIRMATION_FIELDS,
    UNSUBSCRIPTION: _CONFIRMATION_FIELDS,
}
_UNSIGNED: Final = ("SignatureVersion", "Signature", "SigningCertURL")
_TOPIC: Final = re.compile(
    r"arn:(?P<partition>aws[a-z-]{0,20}):sns:(?P<region>[a-z]{2,4}(?:-[a-z]+)+-[0-9])"
    r":(?P<account>[0-9]{12}):(?P<name>[A-Za-z0-9_-]{1,256}(?:\.fifo)?)"
)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)
# Each match ends with a bracket that stands outside of strings, or with the text. Possessive throughout:
# no character is looked at twice, whatever stands there.
_BRACKET: Final = re.compile(r'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+"?)*+([\[\]{}]|\Z)', re.DOTALL)
_UNKEEPABLE: Final = re.compile("[\x00\ud800-\udfff]")  # no text in UTF-8, or none that a database holds


class MalformedError(ValueError):
    """What arrived is no envelope."""


@attrs.frozen
class Topic:
    """A topic's ARN, taken apart."""

    arn: str
    partition: str
    region: str
    account: str
    name: str


@attrs.frozen(kw_only=True)
class Envelope:
    """One message as it arrived. `signed` are the fields that its signature vouches for, decoded."""

    kind: str
    message_id: str
    topic: Topic
    timestamp: datetime
    signed: Mapping[str, str]
    signature_version: str
    signature: str
    certificate_url: str

    @property
    def message(self) -> str:
        """What the publisher wrote: for Bynder, JSON."""
        return self.signed["Message"]

    @property
    def subject(self) -> str:
        """The publisher's subject, or empty: for Bynder, the name of the event."""
        return self.signed.get("Subject", "")

    @property
    def token(self) -> str:
        """What a confirmation is confirmed with, or empty."""
        return self.signed.get("Token", "")

    def canonical(self) -> bytes:
        """The bytes that the signature is over.

        Source: Amazon SNS developer guide, "Verifying message signatures". `Subject` counts where it is
        present, even empty.
        """
        fields = (name for name in _SIGNED[self.kind] if name in self.signed)
        return "".join(f"{name}\n{self.signed[name]}\n" for name in fields).encode()


def parse_topic(arn: str) -> Topic:
    """Take a topic's ARN apart.

    Raises:
        MalformedError: it is none.
    """
    found = _TOPIC.fullmatch(arn)
    if found is None:
        raise MalformedError("not the ARN of an SNS topic")
    return Topic(arn, **found.groupdict())


def parse(body: bytes) -> Envelope:
    """Read an envelope. What is unknown or unsigned in it is left out.

    Raises:
        MalformedError: it is not UTF-8, JSON, an object, of a known type, or complete.
    """
    document = _document(body)
    kind = _text(document, "Type")
    if kind not in _SIGNED:
        raise MalformedError("Type is not one of SNS")
    names = _SIGNED[kind]
    signed = {name: _text(document, name) for name in names if name in document or name != "Subject"}
    unsigned = {name: _text(document, name) for name in _UNSIGNED}
    return Envelope(
        kind=kind,
        message_id=_filled(signed, "MessageId"),
        topic=parse_topic(signed["TopicArn"]),
        timestamp=_moment(signed["Timestamp"]),
        signed=signed,
        signature_version=unsigned["SignatureVersion"],
        signature=unsigned["Signature"],
        certificate_url=unsigned["SigningCertURL"],
    )


def _document(body: bytes) -> dict[str, Any]:
    if len(body) > LARGEST_BYTES:
        raise MalformedError("too large")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("not UTF-8") from error
    if _is_deep(text):
        raise MalformedError("nested too deeply, or in too many parts")
    try:
        document = json.loads(text, object_pairs_hook=_unambiguous, parse_constant=_no_constant)
    except MalformedError:
        raise
    except ValueError as error:
        raise MalformedError("not JSON") from error
    if not isinstance(document, dict):
        raise MalformedError("not a JSON object")
    return document


def _is_deep(text: str) -> bool:
    """Return whether brackets outside of strings nest too deeply, or are too many.

    Runs before the parser, which recurses, and which holds up all other threads while it works.
    """
    depth = 0
    for count, found in enumerate(_BRACKET.finditer(text)):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[1], 0)
        if depth > DEEPEST or count > MOST_BRACKETS:
            return True
    return False


def _unambiguous(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object that names a key twice means one thing to one reader and another to the next."""
    listed = list(pairs)
    made = dict(listed)
    if len(made) != len(listed):
        raise MalformedError("a key stands twice")
    return made


def _no_constant(name: str) -> Any:
    raise MalformedError(f"{name} is not JSON")


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise MalformedError(f"{name} is {'no text' if name in document else 'missing'}")
    if name != "Message" and len(value) > LONGEST_FIELD:
        raise MalformedError(f"{name} is too long")
    if _UNKEEPABLE.search(value):
        raise MalformedError(f"{name} holds what is no text")
    return value


def _filled(signed: Mapping[str, str], name: str) -> str:
    if not signed[name]:
        raise MalformedError(f"{name} is empty")
    return signed[name]


def _moment(text: str) -> datetime:
    if not _MOMENT.fullmatch(text):
        raise MalformedError("Timestamp is no moment in UTC")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedError("Timestamp is no moment in UTC") from error
