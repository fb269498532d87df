"""Encryption at rest. The only importer of cryptography."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken

from damlink.errors import ConfigError, StateError

__all__ = ["Cipher", "new_key"]


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
