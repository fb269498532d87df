from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from damlink._sns.envelope import Envelope, parse, parse_topic
from damlink._sns.hosts import Hosts
from damlink._sns.verify import Certificates, ForgedError, Verifier, confirm
from damlink.errors import ConnectorError, TransientError

PEM = "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
NOW = datetime.now(UTC).replace(microsecond=0)
ARN = "arn:aws:sns:eu-west-1:111122223333:a"


@pytest.fixture
def verifier(server: Any) -> Verifier:
    return Verifier(Hosts((server.host,)), Certificates())


@pytest.fixture
def sent(fields: dict[str, str], server: Any, signer: Any) -> Callable[..., Envelope]:
    """An envelope as our own stand-in signs it."""

    def send(version: str = "1", path: str = PEM, **changes: str) -> Envelope:
        own = {**fields, "Timestamp": f"{NOW:%Y-%m-%dT%H:%M:%SZ}", **changes}
        unsigned = {"SignatureVersion": version, "SigningCertURL": f"{server.url}{path}"}
        return parse(json.dumps({**own, **unsigned, "Signature": signer.sign(own, version)}).encode())

    return send


@pytest.mark.parametrize("version", ["1", "2"])
def test_verify_when_signed_believes_it(
    verifier: Verifier, sent: Any, server: Any, signer: Any, version: str
) -> None:
    server.always(200, signer.pem)
    verifier.verify(sent(version), NOW)
    assert server.lines == [f"GET {PEM}"]


def test_verify_when_sha1_is_switched_off_believes_sha256_only(sent: Any, server: Any, signer: Any) -> None:
    server.always(200, signer.pem)
    strict = Verifier(Hosts((server.host,)), Certificates(), sha256_only=True)
    strict.verify(sent("2"), NOW)
    with pytest.raises(ForgedError, match="version '1'"):
        strict.verify(sent("1"), NOW)


@pytest.mark.parametrize(
    ("late", "believed"),
    [
        (timedelta(minutes=90), True),
        (timedelta(minutes=91), False),
        (timedelta(minutes=-5), True),
        (timedelta(minutes=-6), False),
        (timedelta(days=3), False),
    ],
)
def test_verify_when_the_time_is_another_keeps_to_the_window(
    verifier: Verifier, sent: Any, server: Any, signer: Any, late: timedelta, believed: bool
) -> None:
    server.always(200, signer.pem)
    envelope = sent()
    if believed:
        verifier.verify(envelope, envelope.timestamp + late)
    else:
        with pytest.raises(ForgedError, match="timestamp"):
            verifier.verify(envelope, envelope.timestamp + late)
        assert server.asked == []


def test_certificate_when_asked_for_again_is_not_fetched_again(
    verifier: Verifier, sent: Any, server: Any, signer: Any
) -> None:
    server.always(200, signer.pem)
    for number in range(5):
        verifier.verify(sent(MessageId=str(number)), NOW)
    assert len(server.asked) == 1


def test_certificates_when_many_ask_at_once_fetches_once(
    verifier: Verifier, sent: Any, server: Any, signer: Any
) -> None:
    server.always(200, signer.pem)
    envelopes = [sent(MessageId=f"message {number}") for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda envelope: verifier.verify(envelope, NOW), envelopes))
    assert len(server.asked) == 1


def test_certificates_when_there_are_many_forgets_the_oldest(
    verifier: Verifier, sent: Any, server: Any, signer: Any
) -> None:
    server.always(200, signer.pem)
    for number in [*range(40), 39, 0]:
        path = f"/SimpleNotificationService-{number:032x}.pem"
        verifier.verify(sent(path=path), NOW)
    assert len(server.asked) == 41


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": 200, "body": b"no certificate"}, ForgedError),
        (
            {"status": 200, "body": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
            ForgedError,
        ),
        ({"status": 200, "body": b"x" * 20_000}, ForgedError),
        ({"status": 200, "body": b"x" * 20_000, "chunked": True}, ForgedError),
        ({"status": 404}, ForgedError),
        ({"status": 403}, ForgedError),
        ({"status": 301, "headers": {"Location": "/elsewhere"}}, ForgedError),
        ({"status": 500}, TransientError),
        ({"status": 503}, TransientError),
        ({"status": 429}, TransientError),
        ({"cut": -1}, TransientError),
    ],
    ids=lambda value: str(value)[:40],
)
def test_certificate_when_the_answer_is_another_is_not_believed_nor_kept(
    verifier: Verifier, sent: Any, server: Any, signer: Any, answer: dict[str, Any], error: type[Exception]
) -> None:
    server.then(**answer).always(200, signer.pem)
    with pytest.raises(error):
        verifier.verify(sent(), NOW)
    assert len(server.asked) == 1
    verifier.verify(sent(), NOW)


def test_certificate_when_the_key_is_small_or_of_another_kind_is_not_believed(
    verifier: Verifier, sent: Any, server: Any, certificate: Any, small_key: Any, elliptic_key: Any
) -> None:
    for key in (small_key, elliptic_key):
        server.then(200, certificate(key))
        with pytest.raises(ForgedError, match="no certificate at its address"):
            verifier.verify(sent(), NOW)


def test_certificate_when_the_key_is_larger_than_any_is_not_believed(
    verifier: Verifier, sent: Any, server: Any, certificate: Any
) -> None:
    server.then(200, certificate(public=rsa.RSAPublicNumbers(65537, (1 << 9000) + 1).public_key()))
    with pytest.raises(ForgedError, match="too small or too large"):
        verifier.verify(sent(), NOW)


@pytest.mark.parametrize(("begins", "days"), [(timedelta(days=-9), 1), (timedelta(days=1), 9)])
def test_certificate_when_it_is_not_valid_now_is_not_believed(
    sent: Any, server: Any, signer: Any, certificate: Any, begins: timedelta, days: float
) -> None:
    server.always(200, certificate(signer.key, begins=begins, days=days))
    verifier = Verifier(Hosts((server.host,)), Certificates())
    now = datetime.now(UTC)
    with pytest.raises(ForgedError, match="has expired, or is not valid yet"):
        verifier.verify(sent(Timestamp=f"{now:%Y-%m-%dT%H:%M:%SZ}"), now)


def test_certificate_when_nobody_answers_asks_for_another_try(sent: Any, server: Any) -> None:
    envelope = sent()
    server.__exit__()
    with pytest.raises(TransientError, match="cannot fetch 127.0.0.1"):
        Verifier(Hosts((server.host,)), Certificates()).verify(envelope, NOW)


# --- confirming ------------------------------------------------------------------------------------

ANSWER = (
    b"<ConfirmSubscriptionResponse><ConfirmSubscriptionResult>\n<SubscriptionArn>"
    b"arn:aws:sns:eu-west-1:111122223333:a:1111</SubscriptionArn>\n</ConfirmSubscriptionResult>"
    b"</ConfirmSubscriptionResponse>"
)


def test_confirm_when_it_is_answered_gives_the_subscription(server: Any) -> None:
    server.always(200, ANSWER)
    assert confirm(Hosts((server.host,)), parse_topic(ARN), "t/+") == f"{ARN}:1111"
    asked = "Action=ConfirmSubscription&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A111122223333%3Aa&Token=t%2F%2B"
    assert server.lines == [f"GET /?{asked}"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": 400, "body": b"<ErrorResponse/>"}, ConnectorError),
        ({"status": 200, "body": b"<html/>"}, ConnectorError),
        ({"status": 302, "headers": {"Location": "/?x"}}, ConnectorError),
        ({"status": 500}, TransientError),
    ],
    ids=lambda value: str(value)[:40],
)
def test_confirm_when_it_is_refused_says_so(server: Any, answer: Any, error: type[Exception]) -> None:
    server.always(**answer)
    with pytest.raises(error):
        confirm(Hosts((server.host,)), parse_topic(ARN), "t")
    assert len(server.asked) == 1
