"""An OpenID Connect issuer on loopback, with real keys; each of its answers can be made a lie."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import attrs
from canaries import CANARY
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from scripted_server import Asked, Reply, Server

from damlink_sandbox.mark import SECRET_MARK

CLIENT_ID, CLIENT_SECRET = "console", CANARY
Key = RSAKey | ECKey
# To make one takes longer than everything else.
RSA: dict[str, RSAKey] = {}


def rsa_key(kid: str) -> RSAKey:
    """A key, the same at each call."""
    if kid not in RSA:
        RSA[kid] = RSAKey.generate_key(2048, {"kid": kid})
    return RSA[kid]


def ec_key(kid: str, curve: str = "P-256") -> ECKey:
    """A key."""
    return ECKey.generate_key(curve, {"kid": kid})


def unsigned(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes = b"") -> str:
    """A token with any header and signature."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


@attrs.define
class Code:
    """What a code was given for."""

    nonce: str
    challenge: str
    redirect_url: str


class FakeIssuer:
    """The issuer; `claims`, `discovery`, `header`, `sign` and `replies` change what it says.

    Attributes:
        claims: replace those of a token; a value of `...` takes a claim away.
        published: the keys of its JWKS document.
        replies: whole answers in place of its own, by path.
    """

    def __init__(self, server: Server, now: Callable[[], datetime]) -> None:
        self.server, self._now = server.serve(self.answer), now
        self.url = server.url
        self.claims: dict[str, Any] = {}
        self.discovery: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "first"}
        self.returned: dict[str, str] = {}
        self.key: Key = rsa_key("first")
        self.published: list[Key] = [self.key]
        self.replies: dict[str, Reply] = {}
        self.sign = self._sign
        self._codes: dict[str, Code] = {}

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(urlsplit(asked.path).path == path for asked in self.server.asked)

    def answer(self, asked: Asked) -> Reply:
        """Answer a request."""
        path = urlsplit(asked.path).path
        known = {
            "/.well-known/openid-configuration": self._discover,
            "/keys": lambda _: _json({"keys": [key.as_dict(private=False) for key in self.published]}),
            "/authorize": self._authorize,
            "/token": self._exchange,
        }
        return self.replies.get(path) or known.get(path, lambda _: Reply(404))(asked)

    def _discover(self, _asked: Asked) -> Reply:
        own = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        return _json(dict(_without_dots(own | self.discovery)))

    def _authorize(self, asked: Asked) -> Reply:
        query = dict(parse_qsl(urlsplit(asked.path).query))
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT_ID)
        assert (query["code_challenge_method"], query["scope"].split()[0]) == ("S256", "openid")
        code = f"{SECRET_MARK}-{secrets.token_hex(8)}"
        self._codes[code] = Code(query["nonce"], query["code_challenge"], query["redirect_uri"])
        given = {"code": code, "state": query["state"]} | self.returned
        return Reply(302, headers={"location": f"{query['redirect_uri']}?{urlencode(given)}"})

    def _exchange(self, asked: Asked) -> Reply:
        form = dict(parse_qsl(asked.body.decode()))
        if not self._knows_client(asked, form):
            return _json({"error": "invalid_client"}, 401)
        code = self._codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if code is None or (code.challenge, code.redirect_url) != (challenge, form["redirect_uri"]):
            return _json({"error": "invalid_grant"}, 400)
        return _json(
            {"access_token": CANARY, "token_type": "Bearer", "id_token": self.sign(self._claim(code))}
        )

    def _knows_client(self, asked: Asked, form: Mapping[str, str]) -> bool:
        if self.discovery.get("token_endpoint_auth_methods_supported") == ["client_secret_post"]:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        return asked.headers.get("authorization") == f"Basic {expected}"

    def _claim(self, code: Code) -> dict[str, Any]:
        now = int(self._now().timestamp())
        own = {"iss": self.url, "aud": CLIENT_ID, "sub": "248289761001", "nonce": code.nonce}
        own |= {"iat": now, "exp": now + 300, "preferred_username": "ann", "groups": ["staff", "dam-admins"]}
        return dict(_without_dots(own | self.claims))

    def _sign(self, claims: Mapping[str, Any]) -> str:
        payload = json.dumps(claims).encode()
        return jws.serialize_compact(self.header, payload, self.key, algorithms=[self.header["alg"]])


def _without_dots(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in given.items() if value is not ...)


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), {"content-type": "application/json"})
