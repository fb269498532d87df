"""OAuth 1.0a signatures of method, address, query and form body, checked by `oauthlib`. Source: RFC 5849."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from oauthlib.oauth1 import (  # type: ignore[import-untyped]
    SIGNATURE_HMAC_SHA1,
    RequestValidator,
    ResourceEndpoint,
    SignatureOnlyEndpoint,
)

from damlink_sandbox.router import Call

# Whose secret is used where the key is unknown, so that the check takes as long.
_DUMMY = "dummy"


@attrs.frozen
class Signed:
    """A request whose signature is right.

    Attributes:
        token: the token key that it was signed with; empty without one.
        callback: the `oauth_callback` it names.
        verifier: the `oauth_verifier` it names.
    """

    token: str = ""
    callback: str = ""
    verifier: str = ""


class Signatures:
    """Signatures of one consumer. A nonce serves once, a timestamp for ten minutes around now.

    Attributes:
        key: of the consumer; `secret` belongs to it.
    """

    def __init__(self, key: str, secret: str) -> None:
        self.key, self.secret = key, secret
        self._nonces: set[tuple[str, ...]] = set()

    def verify(self, call: Call, tokens: Mapping[str, str] | None = None) -> Signed | None:
        """Verify a signature and return its parts; `None` where it is wrong, old or repeated.

        Args:
            call: the request.
            tokens: the secrets by token key, one of which it must be signed with; `None`: with none.
        """
        validator = _Validator(self, tokens or {})
        body = call.body.decode("utf-8", "replace")
        asked = (call.url, call.method, body, {name.title(): value for name, value in call.headers.items()})
        try:
            if tokens is None:
                valid, request = SignatureOnlyEndpoint(validator).validate_request(*asked)
            else:
                valid, request = ResourceEndpoint(validator).validate_protected_resource_request(*asked)
        except ValueError:
            # A query or a form that is not encoded as it must be.
            return None
        if not valid:
            return None
        named = (request.resource_owner_key, request.redirect_uri, request.verifier)
        return Signed(*(value or "" for value in named))

    def first_seen(self, *nonce: str) -> bool:
        """Note a nonce with its timestamp and keys; whether it is new."""
        seen = nonce in self._nonces
        self._nonces.add(nonce)
        return not seen


class _Validator(RequestValidator):  # type: ignore[misc]  # oauthlib is not typed
    """Answers oauthlib's questions; how long names may be is not Bynder's business."""

    enforce_ssl = False
    allowed_signature_methods = (SIGNATURE_HMAC_SHA1,)
    client_key_length = access_token_length = nonce_length = (1, 200)
    dummy_client = dummy_access_token = _DUMMY

    def __init__(self, signatures: Signatures, tokens: Mapping[str, str]) -> None:
        super().__init__()
        self._signatures, self._tokens = signatures, tokens

    @property
    def safe_characters(self) -> set[str]:
        return {*super().safe_characters, *"-._~"}

    def validate_timestamp_and_nonce(
        self, client_key: str, timestamp: str, nonce: str, _request: object,
        request_token: str | None = None, access_token: str | None = None,
    ) -> bool:  # fmt: skip
        return self._signatures.first_seen(client_key, timestamp, nonce, request_token or access_token or "")

    def validate_client_key(self, client_key: str, _request: object) -> bool:
        return client_key == self._signatures.key

    def validate_access_token(self, _client_key: str, token: str, _request: object) -> bool:
        return token in self._tokens

    def validate_realms(self, *_: object, **__: object) -> bool:
        return True

    def get_client_secret(self, client_key: str, _request: object) -> str:
        return self._signatures.secret if client_key == self._signatures.key else _DUMMY

    def get_access_token_secret(self, _client_key: str, token: str, _request: object) -> str:
        return self._tokens.get(token, _DUMMY)
