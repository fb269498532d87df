"""Secrets and tokens: opened by reference, stored encrypted, renewed by one process at a time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator

from damlink._config.opened import check_opened
from damlink._http.token import Token
from damlink._http.token_auth import CustodyAuth
from damlink._secret import Secret
from damlink._secrets.crypto import Cipher
from damlink._state.credentials import Credentials
from damlink._state.sealed import credential_name
from damlink._system.waiting import Verify, verify_nothing

__all__ = ["SecretStore", "TokenCustody", "give_custody"]

_SECRET = "secret:"
_TOKEN = "token:"


class SecretStore:
    """Stored secrets, to which `{ secret = … }` refers."""

    def __init__(self, credentials: Credentials, cipher: Callable[[], Cipher]) -> None:
        self._credentials = credentials
        self._cipher = cipher

    def get(self, name: str) -> str | None:
        """Return the secret of a name, or `None`."""
        sealed = self._credentials.load(_SECRET + name)
        return (
            None if sealed is None else self._cipher().open(sealed, credential_name(_SECRET + name)).decode()
        )

    def set(self, name: str, value: str) -> None:
        """Store a secret.

        Raises:
            ConfigError: it is empty, or contains a control character.
        """
        check_opened(value, name)
        sealed = self._cipher().seal(value.encode(), credential_name(_SECRET + name))
        self._credentials.save(_SECRET + name, sealed)

    def remove(self, name: str) -> bool:
        """Delete a secret; return whether it existed."""
        return self._credentials.remove(_SECRET + name)

    def names(self) -> list[str]:
        """Return the names of all secrets."""
        return [name.removeprefix(_SECRET) for name in self._credentials.names(_SECRET)]

    def values(self) -> Iterator[str]:
        """Yield every secret and every part of a token, so that they can be redacted."""
        for name in self.names():
            yield self.get(name) or ""
        for name in self._credentials.names(_TOKEN):
            sealed = self._credentials.load(name)
            kept = json.loads(self._cipher().open(sealed, credential_name(name))) if sealed else {}
            yield from (part for part in kept.values() if isinstance(part, str))


class TokenCustody:
    """Custody of one credential's token in the database, shared by all threads and processes.

    Args:
        account: a digest of the credential: the same credential shares the token, another one must not
            use it.
        verify: called while another process renews the token; raises to end the wait.
    """

    def __init__(
        self, credentials: Credentials, cipher: Cipher, account: str, verify: Verify = verify_nothing
    ) -> None:
        self._verify = verify
        self._credentials = credentials
        self._cipher = cipher
        self._name = f"{_TOKEN}{account}"

    def load(self) -> Token | None:
        """Return the stored token, or `None`."""
        sealed, version = self._credentials.load_version(self._name)
        if sealed is None:
            return None
        kept = json.loads(self._cipher.open(sealed, credential_name(self._name)))
        refresh = Secret(kept["refresh"]) if kept["refresh"] else None
        return Token(Secret(kept["access"]), kept["renew_at"], refresh, version)

    def save(self, token: Token) -> None:
        """Store a token; durable when this returns, so that it may be used."""
        self._credentials.save(self._name, self._seal(token))

    def replace(self, token: Token, read: Token | None) -> Token:
        """Store a renewed token, unless another one was stored since the old one was read.

        Returns:
            The token that is stored now.
        """
        if self._credentials.replace(self._name, self._seal(token), read.version if read else 0):
            return token
        return self.load() or token

    def _seal(self, token: Token) -> bytes:
        kept = {
            "access": token.access.reveal(),
            "refresh": token.refresh.reveal() if token.refresh else None,
            "renew_at": token.renew_at,
        }
        return self._cipher.seal(json.dumps(kept).encode(), credential_name(self._name))

    def exclusive(self) -> contextlib.AbstractContextManager[Verify]:
        """Hold the lock for renewing the token; yield a function that verifies the lock."""
        return self._credentials.exclusive(self._name, self._verify)


def give_custody(
    auth: object,
    credentials: Credentials,
    cipher: Callable[[], Cipher],
    verify: Verify = verify_nothing,
) -> None:
    """Store the tokens of an `OAuth2` or a `TokenAuth` in the database's custody. No-op for others."""
    if isinstance(auth, CustodyAuth):
        auth.custody = TokenCustody(credentials, cipher(), auth.account, verify)
