"""An issuer of OpenID Connect over TLS; the sign-in as a whole is tested with the console."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from certificates import write_certificate
from oidc_issuer import CLIENT_ID, CLIENT_SECRET, FakeIssuer
from scripted_server import Server

from damlink._http.oidc import Issuer
from damlink._secret import Secret
from damlink.errors import AuthError

CALLBACK = "https://damlink.example/oidc/callback"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeIssuer]:
    """An issuer whose certificate this machine trusts."""
    files = write_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    server = Server()
    listener = server._listener
    listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    # A client that does not trust the certificate goes away.
    monkeypatch.setattr(listener, "handle_error", lambda *_: None)
    server.url = f"https://{server.host}"
    with server:
        yield FakeIssuer(server, now)


def known(issuer: FakeIssuer) -> Issuer:
    return Issuer(issuer.url, CLIENT_ID, Secret(CLIENT_SECRET), now=now)


def test_code_when_redeemed_over_tls_gives_the_claims(issuer: FakeIssuer) -> None:
    ours = known(issuer)
    attempt = ours.begin(CALLBACK, ())
    with httpx.Client(verify=ssl.create_default_context(), trust_env=False) as browser:
        back = httpx.URL(browser.get(attempt.url).headers["location"])
    assert ours.redeem(attempt, dict(back.params))["sub"] == "248289761001"


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_document_when_it_leads_to_plain_http_on_this_machine_is_refused(
    issuer: FakeIssuer, name: str
) -> None:
    issuer.discovery[name] = f"http://{issuer.server.host}/x"
    with pytest.raises(AuthError, match="no https address as (authorization|token|jwks)"):
        known(issuer).begin(CALLBACK, ())


def test_issuer_when_its_certificate_is_unknown_is_refused(
    issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(AuthError, match="the issuer cannot be used: .*certificate"):
        known(issuer).begin(CALLBACK, ())


def test_attempt_when_printed_shows_nothing_that_lets_in(issuer: FakeIssuer) -> None:
    attempt = known(issuer).begin(CALLBACK, ("groups",))
    assert attempt.verifier not in repr(attempt)
    assert attempt.state not in repr(attempt)
    assert httpx.URL(attempt.url).params["scope"] == "openid groups"
