from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

TOKEN = "/v6/authentication/oauth2/token"


def test_call_when_token_is_missing_or_unknown_is_401_in_plain_text(client: Any) -> None:
    url = _at(client, "/api/v4/brands/")
    answers = [httpx.get(url), httpx.get(url, headers={"Authorization": "Bearer x"})]
    assert [(one.status_code, one.text) for one in answers] == [(401, "Invalid or expired token.")] * 2


def test_call_when_path_is_unknown_is_the_gateways_404(client: Any) -> None:
    answer = client.portal.get("/api/v5/media")
    assert (answer.status_code, answer.json()["message"]) == (404, "no Route matched with those values")


def test_call_when_scope_or_role_is_missing_is_denied(client: Any) -> None:
    media_id = client.saved()
    client.control("roles", roles=["MEDIAUPLOAD"])
    no_role = client.portal.delete(f"/api/v4/media/{media_id}").status_code
    client.control("scopes", scopes=["current.user:read"])
    no_scope = client.portal.get("/api/v4/media").status_code
    assert (no_role, no_scope, client.portal.get("/api/v4/currentUser/").status_code) == (403, 403, 200)


def test_profile_when_ones_own_needs_no_role(client: Any) -> None:
    own = client.portal.get("/api/v4/currentUser").json()["profileId"]
    client.control("roles", roles=["MEDIAUPLOAD"])
    assert client.portal.get(f"/api/v4/profiles/{own}/").json()["roles"] == ["MEDIAUPLOAD"]
    assert client.portal.get("/api/v4/profiles/").status_code == 403


@pytest.mark.parametrize("basic", [True, False], ids=["basic", "body"])
def test_client_credentials_when_right_give_a_token_that_expires(client: Any, basic: bool) -> None:
    secret = _secret(client)
    body = {"grant_type": "client_credentials", "scope": "asset:read"} | ({} if basic else _named(secret))
    answer = httpx.post(_at(client, TOKEN), data=body, auth=secret if basic else None).json()
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    early = httpx.get(_at(client, "/api/v4/media/"), headers=headers).status_code
    denied = httpx.get(_at(client, "/api/v4/metaproperties"), headers=headers).status_code
    client.advance(3600)
    late = httpx.get(_at(client, "/api/v4/media/"), headers=headers).status_code
    assert (answer["expires_in"], answer["scope"], early, denied, late) == (3600, "asset:read", 200, 403, 401)


def test_client_credentials_when_wrong_are_401(client: Any) -> None:
    answer = httpx.post(_at(client, TOKEN), data={"grant_type": "client_credentials"}, auth=("a", "b"))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_refresh_when_used_gives_no_new_refresh_token(client: Any) -> None:
    named = _named(_secret(client))
    redirect = "http://localhost:8765/callback"
    query = {"client_id": named["client_id"], "redirect_uri": redirect, "response_type": "code", "state": "s"}
    login = httpx.get(_at(client, "/v6/authentication/oauth2/auth"), params=query).headers["location"]
    back = parse_qs(urlsplit(httpx.get(_at(client, login)).headers["location"]).query)
    code = {"grant_type": "authorization_code", "code": back["code"][0], "redirect_uri": redirect}
    first = httpx.post(_at(client, TOKEN), data={**named, **code}).json()
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = httpx.post(_at(client, TOKEN), data={**named, **refresh}).json()
    assert back["state"] == ["s"]
    assert "refresh_token" not in second
    assert httpx.post(_at(client, TOKEN), data={**named, **code}).json()["error"] == "invalid_grant"


def test_tokens_when_expired_by_control_are_401_but_the_permanent_is_not(client: Any) -> None:
    body = {"grant_type": "client_credentials", **_named(_secret(client))}
    token = httpx.post(_at(client, TOKEN), data=body).json()["access_token"]
    client.control("tokens", expire=True)
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(_at(client, "/api/v4/account"), headers=headers).status_code == 401
    assert client.portal.get("/api/v4/account").status_code == 200


def _at(client: Any, path: str) -> str:
    return f"{client.sandbox.origins['portal']}{path}"


def _secret(client: Any) -> tuple[str, str]:
    part = client.sandbox.part("bynder")
    return part.client_id, part.client_secret


def _named(secret: tuple[str, str]) -> dict[str, str]:
    return {"client_id": secret[0], "client_secret": secret[1]}
