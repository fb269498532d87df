"""Encryption at rest, and what a certificate vouches for. The only importer of cryptography."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from damlink.errors import ConfigError, StateError

__all__ = ["SMALLEST_KEY_BITS", "Certificate", "Cipher", "new_key"]

SMALLEST_KEY_BITS: Final = 2048


def new_key() -> str:
    """A fresh key: URL-safe base64 of 32 random bytes."""
    return Fernet.generate_key().decode()


class Cipher:
    """Encrypts and opens what is kept in the database.

    Args:
        key: URL-safe base64 of 32 bytes.
        place: where the key came from, for errors.
    """

    def __init__(self, key: str, place: str) -> None:
        self._place = place
        try:
            self._fernet = Fernet(key)
        except ValueError as error:
            hint = "make one with `damlink secret key`"
            raise ConfigError(place, "not URL-safe base64 of 32 bytes", hint=hint) from error

    def seal(self, data: bytes) -> bytes:
        """Encrypt and sign."""
        return self._fernet.encrypt(data)

    def open(self, sealed: bytes) -> bytes:
        """The data again.

        Raises:
            StateError: it was sealed with another key, or damaged.
        """
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            hint = "give the key the database was used with (DAMLINK_KEY, the keyring, or its key file)"
            raise StateError(f"the key from {self._place} does not open the database", hint=hint) from error


class Certificate:
    """An X.509 certificate with an RSA key.

    Args:
        pem: as it was fetched.

    Raises:
        ValueError: it is no such certificate, or its key is too small.
    """

    def __init__(self, pem: bytes) -> None:
        self._certificate = x509.load_pem_x509_certificate(pem)
        try:
            key = self._certificate.public_key()
        except UnsupportedAlgorithm as error:
            raise ValueError("the certificate's key cannot be read") from error
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < SMALLEST_KEY_BITS:
            raise ValueError("the certificate's key is not RSA, or too small")
        self._key = key

    def is_valid_at(self, moment: datetime) -> bool:
        """Whether it had begun by then, and had not ended."""
        return self._certificate.not_valid_before_utc <= moment <= self._certificate.not_valid_after_utc

    def vouches_for(self, data: bytes, signature: bytes, *, sha256: bool) -> bool:
        """Whether its key signed these bytes: RSA PKCS#1 v1.5 over SHA-256, or over SHA-1."""
        algorithm = hashes.SHA256() if sha256 else hashes.SHA1()  # noqa: S303 - SNS version 1
        try:
            self._key.verify(signature, data, padding.PKCS1v15(), algorithm)
        except InvalidSignature:
            return False
        return True
