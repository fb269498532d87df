"""Amazon SNS over HTTP, as its receiver: envelopes, their signatures, confirmations. Keeps nothing."""

from __future__ import annotations

from damlink._sns.envelope import (
    LARGEST_BYTES,
    NOTIFICATION,
    SUBSCRIPTION,
    UNSUBSCRIPTION,
    Envelope,
    MalformedError,
    Topic,
    parse,
    parse_topic,
)
from damlink._sns.hosts import Hosts
from damlink._sns.verify import Certificates, ForgedError, Verifier, confirm

__all__ = [
    "LARGEST_BYTES",
    "NOTIFICATION",
    "SUBSCRIPTION",
    "UNSUBSCRIPTION",
    "Certificates",
    "Envelope",
    "ForgedError",
    "Hosts",
    "MalformedError",
    "Topic",
    "Verifier",
    "confirm",
    "parse",
    "parse_topic",
]
