from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from damlink_sandbox.sns.keys import Signer

ARN = "arn:aws:sns:eu-west-1:111122223333:example-portal-events"
URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer()


@pytest.fixture
def fields() -> dict[str, str]:
    """A notification as the guide shows one, not signed."""
    return {
        "Type": "Notification",
        "MessageId": "6f0c1d3e-1b52-5c2a-9a54-0d2b6a7e7711",
        "TopicArn": ARN,
        "Subject": "asset_bank.media.meta_updated",
        "Message": '{"media_id": "0A1B2C3D-0000-0000-0000000000000001"}',
        "Timestamp": "2026-11-21T09:15:02.417Z",
        "SignatureVersion": "1",
        "Signature": "bWFkZS11cA==",
        "SigningCertURL": URL,
        "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
    }


@pytest.fixture(scope="session")
def certificate() -> Callable[..., bytes]:
    """A certificate of a key of one's choice."""

    def make(
        key: Any = None, *, begins: timedelta = timedelta(days=-1), days: float = 2, public: Any = None
    ) -> bytes:
        key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = public or key.public_key()
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
        first = datetime.now(UTC) + begins
        builder = x509.CertificateBuilder(name, name, public, x509.random_serial_number())
        dated = builder.not_valid_before(first).not_valid_after(first + timedelta(days=days))
        return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    return make


@pytest.fixture(scope="session")
def elliptic_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def small_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)
