"""Verification of an envelope: timestamp, certificate, signature. Also confirms subscriptions."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections import OrderedDict
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Final

import attrs

from damlink._http.fetch import fetch
from damlink._secrets.crypto import Certificate
from damlink._sns.envelope import Envelope, Topic
from damlink._sns.hosts import Hosts
from damlink.errors import ConnectorError, TransientError

__all__ = ["Certificates", "ForgedError", "Verifier", "confirm"]

OLDEST: Final = timedelta(minutes=90)  # assumed: a delivery policy may delay a retry by an hour
OLDEST_QUEUED: Final = timedelta(days=14)  # the longest that a queue keeps a message
NEWEST: Final = timedelta(minutes=5)
CERTIFICATE_BYTES: Final = 16 * 1024
FETCH_SECONDS: Final = 5.0  # the sender waits 15 seconds for our answer
ANSWER_BYTES: Final = 64 * 1024
MOST_CERTIFICATES: Final = 32
# Concurrent fetches. Anyone can invent addresses of certificates, each of which would cost a fetch.
MOST_FETCHES: Final = 4
_CONFIRMED: Final = re.compile(rb"<SubscriptionArn>\s*([^<\s]+)\s*</SubscriptionArn>")


class ForgedError(Exception):
    """The envelope cannot be trusted; the text gives the reason."""


class Certificates:
    """Cache of certificates by address. A certificate never changes: a new one has a new address.

    Concurrent requests for one address share one fetch, so that a burst of events costs its host one request.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Future[Certificate]] = OrderedDict()
        self._lock = threading.Lock()
        self._fetches = threading.BoundedSemaphore(MOST_FETCHES)

    def get(self, url: str) -> Certificate:
        """Return the certificate at an address that has been checked.

        Raises:
            ForgedError: there is no certificate at the address.
            TransientError: it cannot be fetched now.
        """
        with self._lock:
            kept = self._kept.get(url)
            if kept is None:
                mine = self._kept[url] = Future()
            self._kept.move_to_end(url)
        return self._publish(url, mine) if kept is None else kept.result()

    def _publish(self, url: str, awaited: Future[Certificate]) -> Certificate:
        try:
            awaited.set_result(self._fetch_within_limit(url))
        except BaseException as error:
            awaited.set_exception(error)
            with self._lock:
                self._kept.pop(url, None)
            raise
        with self._lock:
            while len(self._kept) > MOST_CERTIFICATES:
                self._kept.popitem(last=False)
        return awaited.result()

    def _fetch_within_limit(self, url: str) -> Certificate:
        if not self._fetches.acquire(blocking=False):
            raise TransientError("too many certificates are being fetched")
        try:
            return _fetch(url)
        finally:
            self._fetches.release()


def _fetch(url: str) -> Certificate:
    try:
        return Certificate(fetch(url, most_bytes=CERTIFICATE_BYTES, seconds=FETCH_SECONDS))
    except TransientError:
        raise
    except (ConnectorError, ValueError) as error:
        raise ForgedError(f"no certificate at its address: {error}") from error


@attrs.frozen
class Verifier:
    """Verifier of envelopes, without access to the database.

    Args:
        hosts: the hosts whose certificates are accepted.
        certificates: cache that the portals share.
        sha256_only: refuse SHA-1 (signature version 1): the version itself is not signed.
    """

    hosts: Hosts
    certificates: Certificates
    sha256_only: bool = False

    def verify(self, envelope: Envelope, now: datetime, *, queued: bool = False) -> None:
        """Verify the timestamp, then the certificate's address, then the signature.

        Args:
            queued: it has waited in a queue, so that it may be old, and its certificate have expired since.

        Raises:
            ForgedError: the envelope cannot be trusted.
            TransientError: the certificate cannot be fetched now.
        """
        if not now - (OLDEST_QUEUED if queued else OLDEST) <= envelope.timestamp <= now + NEWEST:
            raise ForgedError(f"its timestamp is {envelope.timestamp:%Y-%m-%dT%H:%M:%SZ}")
        versions = ("2",) if self.sha256_only else ("1", "2")
        if envelope.signature_version not in versions:
            raise ForgedError(f"its signature is of version {envelope.signature_version[:20]!r}")
        if not self.hosts.allows_certificate(envelope.certificate_url, envelope.topic):
            raise ForgedError("its certificate is not at an address of SNS in the topic's region")
        certificate = self.certificates.get(envelope.certificate_url)
        if not certificate.is_valid_at(min(now, envelope.timestamp) if queued else now):
            raise ForgedError("its certificate has expired, or is not valid yet")
        sha256 = envelope.signature_version == "2"
        if not certificate.is_valid_signature(
            envelope.canonical(), _decode(envelope.signature), sha256=sha256
        ):
            raise ForgedError("its signature is wrong")


def _decode(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ForgedError("its signature is not Base64") from error


def confirm(hosts: Hosts, topic: Topic, token: str) -> str:
    """Confirm a subscription, and return its ARN.

    Args:
        token: of the confirmation; valid for two days. Source: Amazon SNS API reference, `Subscribe`

    Raises:
        TransientError: no answer; another attempt may succeed.
        ConnectorError: SNS refused the confirmation.
    """
    answer = fetch(hosts.confirmation_url(topic, token), most_bytes=ANSWER_BYTES, seconds=FETCH_SECONDS)
    found = _CONFIRMED.search(answer)
    if found is None:
        raise ConnectorError("the answer names no subscription")
    return found[1].decode("ascii", "replace")
