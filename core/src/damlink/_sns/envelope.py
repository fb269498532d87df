"""Strict parser of SNS envelopes, and the canonical text that is signed. Verifies nothing."""

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
    "is_envelope",
    "parse",
    "parse_topic",
]

# A message is 256 KiB at most (Amazon SNS developer guide); the allowance for its escaping is assumed.
LARGEST_BYTES: Final = 1024 * 1024
LONGEST_FIELD: Final = 4096  # characters of any field but the message; assumed
DEEPEST: Final = 8  # an envelope is 3 deep
# Brackets, commas and colons outside of texts: bounds the objects that the parser makes. An envelope has
# about 30, and an attribute of a message 7; assumed.
MOST_PARTS: Final = 20_000

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
# Each match ends with a bracket, comma or colon outside of strings, or with the end of the text. All
# quantifiers are possessive: without backtracking the time is linear, whatever the sender wrote.
_PART: Final = re.compile(r'(?:[^"\[\]{},:]++|"(?:[^"\\]++|\\.)*+"?)*+([\[\]{},:]|\Z)', re.DOTALL)
# PostgreSQL stores no NUL character, and a lone surrogate cannot be encoded as UTF-8.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class MalformedError(ValueError):
    """The body is not an SNS envelope."""


@attrs.frozen
class Topic:
    """Parsed ARN of a topic."""

    arn: str
    partition: str
    region: str
    account: str
    name: str


@attrs.frozen(kw_only=True)
class Envelope:
    """One unverified message. `signed` contains the decoded fields that the signature covers."""

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
        """The publisher's message: JSON, if the publisher is Bynder."""
        return self.signed["Message"]

    @property
    def subject(self) -> str:
        """The publisher's subject, or an empty string: Bynder puts the name of the event here."""
        return self.signed.get("Subject", "")

    @property
    def token(self) -> str:
        """The token that confirms the subscription, or an empty string."""
        return self.signed.get("Token", "")

    def canonical(self) -> bytes:
        """Return the bytes that the signature covers.

        Source: Amazon SNS developer guide, "Verifying message signatures". `Subject` is included if it is
        present, even if it is empty.
        """
        fields = (name for name in _SIGNED[self.kind] if name in self.signed)
        return "".join(f"{name}\n{self.signed[name]}\n" for name in fields).encode()


def parse_topic(arn: str) -> Topic:
    """Parse the ARN of a topic.

    Raises:
        MalformedError: it is not the ARN of a topic.
    """
    found = _TOPIC.fullmatch(arn)
    if found is None:
        raise MalformedError("not the ARN of an SNS topic")
    return Topic(arn, **found.groupdict())


def is_envelope(body: str) -> bool:
    """Return whether a text is an object in the form of an SNS envelope, complete or not.

    What has any of its fields is one: a message cannot pass without its signature by leaving out others.
    """
    document = _document(body.encode("utf-8", "surrogatepass"))
    return not {*_NOTIFICATION_FIELDS, *_CONFIRMATION_FIELDS, *_UNSIGNED}.isdisjoint(document)


def parse(body: bytes) -> Envelope:
    """Parse an envelope. Unknown and unsigned fields are ignored.

    Raises:
        MalformedError: the body is not UTF-8, JSON, an object, of a known type, or complete.
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
        message_id=_non_empty(signed, "MessageId"),
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
        document = json.loads(
            text,
            object_pairs_hook=_reject_duplicates,
            parse_constant=_reject_constant,
            parse_int=_ignore_number,
            parse_float=_ignore_number,
        )
    except MalformedError:
        raise
    except ValueError as error:
        raise MalformedError("not JSON") from error
    if not isinstance(document, dict):
        raise MalformedError("not a JSON object")
    return document


def _is_deep(text: str) -> bool:
    """Return whether brackets outside of strings are nested too deeply, or there are too many parts.

    Runs before the JSON parser, which recurses and holds the interpreter lock while it parses.
    """
    depth = 0
    for count, found in enumerate(_PART.finditer(text)):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[1], 0)
        if depth > DEEPEST or count > MOST_PARTS:
            return True
    return False


def _reject_duplicates(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object with a duplicate key: parsers disagree about which of the values counts."""
    listed = list(pairs)
    made = dict(listed)
    if len(made) != len(listed):
        raise MalformedError("a key stands twice")
    return made


def _ignore_number(_digits: str) -> None:
    """Return nothing: no field is a number, and the conversion of a long one would cost time."""


def _reject_constant(name: str) -> Any:
    raise MalformedError(f"{name} is not JSON")


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise MalformedError(f"{name} is {'no text' if name in document else 'missing'}")
    if name != "Message" and len(value) > LONGEST_FIELD:
        raise MalformedError(f"{name} is too long")
    if _UNSTORABLE.search(value):
        raise MalformedError(f"{name} holds what is no text")
    return value


def _non_empty(signed: Mapping[str, str], name: str) -> str:
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
