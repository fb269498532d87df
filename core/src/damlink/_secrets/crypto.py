"""Encryption at rest, and signatures of a certificate. The only importer of cryptography."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from damlink.errors import ConfigError, StateError

__all__ = ["SMALLEST_KEY_BITS", "Certificate", "Cipher", "new_key", "split_keys"]

SMALLEST_KEY_BITS: Final = 2048
LARGEST_KEY_BITS: Final = 8192  # the time to verify grows with the square of the size
# The first byte of a sealed value; values of earlier versions begin with a letter.
VERSION: Final = b"\x02"
KEY_NAME_BYTES: Final = 4
KEY_ENDS: Final = len(VERSION) + KEY_NAME_BYTES
NONCE_BYTES: Final = 12


def new_key() -> str:
    """Create a key: URL-safe base64 of 32 random bytes."""
    return Fernet.generate_key().decode()


def split_keys(text: str) -> list[str]:
    """Split a text with one or several keys, separated by blanks, lines or commas."""
    return re.split(r"[\s,]+", text.strip(" \t\r\n,"))


class Cipher:
    """Cipher for the values in the database, each bound to its name.

    AES-256-GCM with a key derived from the given one; the name is the associated data, so that a value
    moved to another name cannot be opened. Values of earlier versions (Fernet, unnamed) can be opened.

    Args:
        keys: URL-safe base64 of 32 bytes. With several, separated by blanks or commas, the first one
            encrypts and all decrypt: so a key is replaced.
        place: the source of the keys, for errors.
    """

    def __init__(self, keys: str, place: str) -> None:
        self._place = place
        given = split_keys(keys)
        try:
            self._former = MultiFernet([Fernet(key) for key in given])
        except ValueError as error:
            hint = "make one with `damlink secret key`"
            raise ConfigError(place, "not URL-safe base64 of 32 bytes", hint=hint) from error
        derived = [_derive(base64.urlsafe_b64decode(key)) for key in given]
        self._current = derived[0][0]
        self._ciphers = {each: AESGCM(key) for each, key in derived}
        self.has_former_keys = len(given) > 1

    def seal(self, data: bytes, name: Sequence[str]) -> bytes:
        """Encrypt and authenticate a value under a name."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, data, _bound(name))
        return VERSION + self._current + nonce + sealed

    def open(self, sealed: bytes, name: Sequence[str]) -> bytes:
        """Decrypt the value of a name.

        Raises:
            StateError: it was sealed with another key, is damaged, or belongs to another name.
        """
        # Fernet's base64 begins with a letter, never with the version byte.
        if not sealed.startswith(VERSION):
            return self._open_former(sealed)
        key, nonce = sealed[1:KEY_ENDS], sealed[KEY_ENDS : KEY_ENDS + NONCE_BYTES]
        if key not in self._ciphers:
            raise self._wrong_key()
        try:
            return self._ciphers[key].decrypt(nonce, sealed[KEY_ENDS + NONCE_BYTES :], _bound(name))
        except (InvalidTag, ValueError) as error:
            what = f"the encrypted value of {' '.join(name)} was changed or moved in the database"
            hint = "restore the database from a backup, or give that value anew"
            raise StateError(what, hint=hint) from error

    def is_current(self, sealed: bytes) -> bool:
        """Return whether a value is sealed with the first key, and bound to its name."""
        return sealed.startswith(VERSION + self._current)

    def _open_former(self, sealed: bytes) -> bytes:
        try:
            return self._former.decrypt(sealed)
        except InvalidToken as error:
            raise self._wrong_key() from error

    def _wrong_key(self) -> StateError:
        hint = "give the key the database was used with (DAMLINK_KEY, the keyring, or its key file)"
        return StateError(f"the key from {self._place} does not open the database", hint=hint)


def _derive(key: bytes) -> tuple[bytes, bytes]:
    """Return a key's short name and the derived key: two ciphers must not use the same bytes."""
    derived = HKDF(hashes.SHA256(), KEY_NAME_BYTES + 32, salt=None, info=b"damlink: sealed values").derive(
        key
    )
    return derived[:KEY_NAME_BYTES], derived[KEY_NAME_BYTES:]


def _bound(name: Sequence[str]) -> bytes:
    return json.dumps(list(name)).encode("ascii")


class Certificate:
    """X.509 certificate with an RSA key.

    Args:
        pem: the certificate as downloaded.

    Raises:
        ValueError: it is not such a certificate, or its key is too small or too large.
    """

    def __init__(self, pem: bytes) -> None:
        # Imported here, because only a service that receives events reads a certificate.
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import rsa

        self._certificate = x509.load_pem_x509_certificate(pem)
        try:
            key = self._certificate.public_key()
        except UnsupportedAlgorithm as error:
            raise ValueError("the certificate's key cannot be read") from error
        if not isinstance(key, rsa.RSAPublicKey):
            raise ValueError("the certificate's key is not RSA")
        if not SMALLEST_KEY_BITS <= key.key_size <= LARGEST_KEY_BITS:
            raise ValueError("the certificate's key is too small or too large")
        self._key = key

    def is_valid_at(self, moment: datetime) -> bool:
        """Return whether the certificate is valid at a moment."""
        return self._certificate.not_valid_before_utc <= moment <= self._certificate.not_valid_after_utc

    def is_valid_signature(self, data: bytes, signature: bytes, *, sha256: bool) -> bool:
        """Return whether its key signed these bytes: RSA PKCS#1 v1.5 with SHA-256, or with SHA-1."""
        from cryptography.hazmat.primitives.asymmetric import padding

        algorithm = hashes.SHA256() if sha256 else hashes.SHA1()  # noqa: S303 - SNS version 1
        try:
            self._key.verify(signature, data, padding.PKCS1v15(), algorithm)
        except InvalidSignature:
            return False
        return True
