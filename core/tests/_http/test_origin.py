from __future__ import annotations

from typing import Any

import httpx
import pytest
from canaries import CANARY

from damlink import HeaderAuth, Secret, parse_url
from damlink._http.bearer import BearerAuth
from damlink._http.client import open_client
from damlink._http.oauth1 import OAuth1
from damlink._http.oauth2 import OAuth2
from damlink.errors import AuthError


def auths(secret: str) -> dict[str, httpx.Auth]:
    """Every kind of auth that puts a secret into a header as it is."""
    return {
        "bearer": BearerAuth(Secret(secret)),
        "key": HeaderAuth({"X-Acme-Key": Secret(secret)}),
        "headers": OAuth2(
            "http://127.0.0.1:1/token", "id", Secret(CANARY), headers={"Api-Key": Secret(secret)}
        ),
    }


@pytest.mark.parametrize("kind", auths(""))
@pytest.mark.parametrize(
    "secret",
    ["sesame-öpen", "sesame-open ", " ", "sesame\nopen", "sesame\u2028open"],
    ids=["umlaut", "blank at the end", "only a blank", "line break", "line separator"],
)
def test_signed_request_with_what_no_header_carries_is_not_sent(server: Any, kind: str, secret: str) -> None:
    with open_client(server.url) as client:
        client.sign_with(auths(secret)[kind])
        with pytest.raises(AuthError, match="holds a character that no header may carry") as caught:
            client.get("/")
    assert "sesame" not in str(caught.value)
    assert server.asked == []


def plain_auths(address: str) -> dict[str, httpx.Auth]:
    secret = Secret("sesame-open")
    return {
        "bearer": BearerAuth(secret),
        "key": HeaderAuth({"X-Acme-Key": secret}),
        "oauth1": OAuth1("consumer", secret, secret, secret),
        "oauth2": OAuth2(f"{address}/token", "id", secret),
    }


@pytest.mark.parametrize("kind", plain_auths(""))
@pytest.mark.parametrize("address", ["http://partner.example", "http://127.0.0.1.partner.example"])
def test_signed_request_over_plain_http_is_not_sent(kind: str, address: str) -> None:
    with open_client(address) as client:
        client.sign_with(plain_auths(address)[kind])
        with pytest.raises(
            AuthError, match=r"no credentials are sent to .*partner\.example in plain text; write https"
        ):
            client.get("/")


def test_token_request_over_plain_http_is_not_sent(server: Any) -> None:
    with open_client(server.url) as client:
        client.sign_with(OAuth2("http://login.example/token", "id", Secret("sesame-open")))
        with pytest.raises(AuthError, match="no credentials are sent to login.example in plain text"):
            client.get("/")
    assert server.asked == []


def test_header_auth_when_a_request_leaves_adds_each_header(server: Any) -> None:
    server.always(200)
    with open_client(server.url) as client:
        client.sign_with(HeaderAuth({"X-Key": Secret("sesame-open"), "X-User": Secret("ali")}))
        client.get("/")
    headers = server.asked[0].headers
    assert (headers["x-key"], headers["x-user"]) == ("sesame-open", "ali")


def test_parse_url_when_it_is_an_address_reads_its_parts() -> None:
    url = parse_url("https://user@acme.example:8443/a?b=c")
    assert (url.scheme, url.host, url.port, url.params["b"]) == ("https", "acme.example", 8443, "c")


def test_parse_url_when_it_is_no_address_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="'http://a:b' is no address"):
        parse_url("http://a:b")
