"""OAuth 1.0a: requests signed with two pairs of keys, without a change of their bodies."""

from __future__ import annotations

import secrets
import time
from collections.abc import Generator
from typing import Final
from urllib.parse import parse_qsl

import httpx
from authlib.oauth1.rfc5849.parameters import prepare_headers
from authlib.oauth1.rfc5849.signature import construct_base_string, hmac_sha1_signature
from authlib.oauth1.rfc5849.util import escape

from damlink._secret import Secret

__all__ = ["OAuth1"]

FORM: Final = "application/x-www-form-urlencoded"


class OAuth1(httpx.Auth):
    """Auth that signs each request in its header with HMAC-SHA1.

    The signature covers the query and a form; it does not cover any other body.

    Args:
        consumer_key: the application's key, with its `consumer_secret`.
        token: the user's token, with its `token_secret`.

    Source: RFC 5849, sections 3.1 and 3.4; Bynder's own text no longer describes OAuth 1.0a.
    """

    def __init__(
        self, consumer_key: str, consumer_secret: Secret, token: Secret, token_secret: Secret
    ) -> None:
        self._consumer_key = consumer_key
        self._consumer_secret = consumer_secret
        self._token = token
        self._token_secret = token_secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the signature to a request."""
        given = [
            ("oauth_consumer_key", self._consumer_key),
            ("oauth_token", self._token.reveal()),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", str(int(time.time()))),
            ("oauth_nonce", secrets.token_hex(16)),
            ("oauth_version", "1.0"),
        ]
        signed = [*given, ("oauth_signature", self._signature(request, given))]
        request.headers["Authorization"] = prepare_headers(signed)["Authorization"]
        yield request

    def _signature(self, request: httpx.Request, given: list[tuple[str, str]]) -> str:
        escaped = [(name, escape(value)) for name, value in given]
        base = construct_base_string(request.method, str(request.url), [*_parameters(request), *escaped])
        return str(hmac_sha1_signature(base, self._consumer_secret.reveal(), self._token_secret.reveal()))


def _parameters(request: httpx.Request) -> list[tuple[str, str]]:
    query = parse_qsl(request.url.query.decode("ascii"), keep_blank_values=True)
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != FORM:
        return query
    return [*query, *parse_qsl(request.read().decode("ascii"), keep_blank_values=True)]
