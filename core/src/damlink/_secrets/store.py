"""Secrets and tokens: opened where the config says, kept encrypted, renewed in one place at a time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from damlink._config.load import opener
from damlink._config.opened import check_opened
from damlink._config.settings import SecretOpener, SecretRef
from damlink._http.oauth2 import OAuth2
from damlink._http.token import Token
from damlink._secret import Secret
from damlink._secrets.crypto import Cipher
from damlink._state.credentials import Credentials
from damlink._state.sealed import credential_name
from damlink._system.waiting import Verify, verify_nothing
from damlink.errors import ConfigError

__all__ = ["SecretStore", "TokenCustody", "give_custody", "secret_opener"]

_SECRET = "secret:"
_TOKEN = "token:"


class SecretStore:
    """The secrets that `{ secret = … }` refers to."""

    def __init__(self, credentials: Credentials, cipher: Callable[[], Cipher]) -> None:
        self._credentials = credentials
        self._cipher = cipher

    def get(self, name: str) -> str | None:
        """The secret of a name, or `None`."""
        sealed = self._credentials.load(_SECRET + name)
        return (
            None if sealed is None else self._cipher().open(sealed, credential_name(_SECRET + name)).decode()
        )

    def set(self, name: str, value: str) -> None:
        """Keep a secret.

        Raises:
            ConfigError: it is empty, or holds a control character.
        """
        check_opened(value, name)
        sealed = self._cipher().seal(value.encode(), credential_name(_SECRET + name))
        self._credentials.save(_SECRET + name, sealed)

    def remove(self, name: str) -> bool:
        """Forget a secret; whether there was one."""
        return self._credentials.remove(_SECRET + name)

    def names(self) -> list[str]:
        """The names of all secrets."""
        return [name.removeprefix(_SECRET) for name in self._credentials.names(_SECRET)]


def secret_opener(config_path: Path, store: Callable[[], SecretStore]) -> SecretOpener:
    """Opens every kind of reference."""
    outside = opener(config_path)

    def open_reference(ref: SecretRef, place: str) -> str:
        if ref.kind != "secret":
            return outside(ref, place)
        value = store().get(ref.name)
        if value is None:
            hint = f"keep it with `damlink secret set {ref.name}`"
            raise ConfigError(place, f"there is no secret {ref.name!r}", hint=hint)
        return value

    return open_reference


class TokenCustody:
    """The token of one credential, in the database, for every thread and process that uses it.

    Args:
        account: a digest of the credential: whoever signs in alike shares the token, and with another
            credential an old token is of no use.
        verify: ends the wait for another who renews it, by raising.
    """

    def __init__(
        self, credentials: Credentials, cipher: Cipher, account: str, verify: Verify = verify_nothing
    ) -> None:
        self._verify = verify
        self._credentials = credentials
        self._cipher = cipher
        self._name = f"{_TOKEN}{account}"

    def load(self) -> Token | None:
        """The token kept, or `None`."""
        sealed, version = self._credentials.load_version(self._name)
        if sealed is None:
            return None
        kept = json.loads(self._cipher.open(sealed, credential_name(self._name)))
        refresh = Secret(kept["refresh"]) if kept["refresh"] else None
        return Token(Secret(kept["access"]), kept["renew_at"], refresh, version)

    def save(self, token: Token) -> None:
        """Keep a token; durable when this returns, so that it may be used."""
        self._credentials.save(self._name, self._seal(token))

    def replace(self, token: Token, read: Token | None) -> Token:
        """Keep a renewed token, unless another one has come since the old one was read.

        Returns:
            The token that is kept now.
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
        """Hold the right to renew it; yields what makes sure that it is still held."""
        return self._credentials.exclusive(self._name, self._verify)


def give_custody(
    auth: object,
    credentials: Credentials,
    cipher: Callable[[], Cipher],
    verify: Verify = verify_nothing,
) -> None:
    """Take the tokens of an `OAuth2` into custody; any other auth keeps its own counsel."""
    if isinstance(auth, OAuth2):
        auth.custody = TokenCustody(credentials, cipher(), auth.account, verify)
