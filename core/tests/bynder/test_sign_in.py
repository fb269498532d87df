"""Sign-in to a portal in one line, by each way that Bynder offers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from damlink import Portal, Secret
from damlink_sandbox import Sandbox


@pytest.mark.parametrize("token", ["sesame", Secret("sesame")], ids=["text", "secret"])
def test_with_token_when_a_request_is_sent_signs_by_it(server: Any, token: str | Secret) -> None:
    server.always(200, json.dumps({"id": "A1", "name": "beach"}).encode())
    with Portal.with_token(server.url, token) as portal:
        assert portal.assets.get("A1").name == "beach"
    assert server.asked[0].headers["authorization"] == "Bearer sesame"


@pytest.mark.parametrize(
    ("scopes", "wanted"), [((), "asset:read"), (("meta.assetbank:read",), "meta.assetbank:read")]
)
def test_with_client_credentials_when_a_request_is_sent_asks_for_a_token_first(
    server: Any, scopes: tuple[str, ...], wanted: str
) -> None:
    server.then(200, b'{"access_token": "fresh", "expires_in": 3600}')
    server.always(200, b'{"id": "A1"}')
    with Portal.with_client_credentials(server.url, "app", "secret", scopes) as portal:
        portal.assets.get("A1")
    form = parse_qs(server.asked[0].body.decode())
    assert server.lines[0] == "POST /v6/authentication/oauth2/token"
    assert (form["grant_type"], form["scope"][0].split()[0]) == (["client_credentials"], wanted)
    assert server.asked[1].headers["authorization"] == "Bearer fresh"


def test_with_oauth1_when_a_request_is_sent_signs_it_as_the_portal_verifies(
    sandbox: Sandbox, hurried: None
) -> None:
    part: Any = sandbox.part("bynder")
    keys = (part.consumer_key, part.consumer_secret, part.oauth_token, part.oauth_token_secret)
    with Portal.with_oauth1(sandbox.origins["portal"], *keys) as portal:
        assert portal.users.current().id
