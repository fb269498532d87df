"""The plugin's `classify`: which refusals it is asked about, and what its answer may change."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from canaries import CANARY

from damlink._http.client import Client
from damlink._http.oauth2 import OAuth2
from damlink._secret import Secret
from damlink.errors import (
    AssetRejectedError,
    AuthError,
    ConnectorError,
    NotYet,
    PluginBugError,
    TransientError,
    UnclearError,
)

REFUSAL = b'{"message": "over the limit"}'


def as_rejection(response: httpx.Response) -> ConnectorError:
    return AssetRejectedError(f"classified: {response.json()['message']}")


def as_throttled(_response: httpx.Response) -> ConnectorError:
    return TransientError("over the limit", status=429)


def as_bug(_response: httpx.Response) -> ConnectorError:
    raise NotYet("raised where an error is returned")


def test_classify_when_it_has_an_opinion_comes_before_the_general_rule(partner: Client, server: Any) -> None:
    partner.classify_with(as_rejection)
    server.always(403, REFUSAL)
    with pytest.raises(AssetRejectedError, match="classified: over the limit") as caught:
        partner.get("/a")
    assert (caught.value.status, caught.value.body) == (403, REFUSAL.decode())


def test_classify_when_it_has_none_leaves_the_general_rule(partner: Client, server: Any) -> None:
    partner.classify_with(lambda _response: None)
    server.always(403, REFUSAL)
    with pytest.raises(AuthError):
        partner.get("/a")


def test_classify_when_an_answer_is_accepted_or_a_success_is_not_asked(partner: Client, server: Any) -> None:
    partner.classify_with(as_bug)
    server.then(404, REFUSAL).then(200, b"sand")
    assert partner.post("/a", accept={404}).status_code == 404
    assert partner.get("/a").content == b"sand"


def test_classify_when_another_host_answers_is_not_asked(partner: Client, server: Any, stranger: Any) -> None:
    partner.classify_with(as_bug)
    stranger.always(404, REFUSAL)
    with pytest.raises(TransientError, match="answered 404"):
        partner.get(f"{stranger.url}/a")


def test_classify_when_it_says_429_has_the_request_sent_again_after_a_pause(
    partner: Client, server: Any
) -> None:
    partner.classify_with(as_throttled)
    server.then(403, b"slow down", headers={"Retry-After": "1"}).then(201, b"{}")
    assert partner.post("/a").status_code == 201
    assert server.lines == ["POST /a"] * 2


@pytest.mark.parametrize(
    ("status", "body"), [(500, REFUSAL), (403, b"<html>"), (408, REFUSAL)], ids=["500", "page", "408"]
)
def test_classify_when_an_effect_may_have_happened_leaves_it_unclear(
    partner: Client, server: Any, status: int, body: bytes
) -> None:
    partner.classify_with(lambda _response: AssetRejectedError("it was not done"))
    server.always(status, body)
    with pytest.raises(UnclearError, match="it was not done"):
        partner.post("/a")


def test_classify_when_it_raises_no_connector_error_is_the_plugins_bug(partner: Client, server: Any) -> None:
    partner.classify_with(as_bug)
    server.always(404, REFUSAL)
    with pytest.raises(PluginBugError, match="classify raised NotYet"):
        partner.get("/a")


def test_classify_when_a_token_is_refused_is_asked_too(partner: Client, server: Any) -> None:
    partner.sign_with(OAuth2(f"{server.url}/token", "id", Secret(CANARY)))
    partner.classify_with(as_throttled)
    server.then(403, b"slow down").then(200, b'{"access_token": "t"}').then(200, b"sand")
    assert partner.get("/a").content == b"sand"
    assert server.lines == ["POST /token", "POST /token", "GET /a"]


def test_classify_when_the_code_of_a_consent_is_redeemed_is_asked_too(partner: Client, server: Any) -> None:
    auth = OAuth2(f"{server.url}/token", "id", Secret(CANARY), authorize_url=f"{server.url}/consent")
    partner.classify_with(as_throttled)
    server.always(403, b"slow down")
    with pytest.raises(TransientError, match="over the limit"):
        auth.redeem(Secret("code"), partner)
