from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

BASE = "/v6/authentication/oauth2"
REDIRECT = "http://localhost:8765/callback"
LOGIN = "/v6/login-provider/login"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def authorize(client: Any, **changes: str) -> Any:
    query = {
        "client_id": _client_id(client),
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "state": "s&1",
    }
    return client.portal.get(f"{BASE}/auth", params={**query, **changes})


def consented(client: Any, **changes: str) -> dict[str, str]:
    """What comes back to the redirect address when a person agrees at once."""
    login = authorize(client, **changes).headers["location"]
    return _back(client.portal.get(login))


def token(client: Any, **fields: str) -> Any:
    part = client.sandbox.part("bynder")
    named = {"client_id": part.client_id, "client_secret": part.client_secret}
    return client.portal.post(f"{BASE}/token", data={**named, **fields})


def exchange(client: Any, code: str, **changes: str) -> Any:
    return token(client, grant_type="authorization_code", code=code, **{"redirect_uri": REDIRECT, **changes})


def test_login_when_asked_by_a_browser_is_a_page_whose_button_leads_back(client: Any) -> None:
    login = authorize(client, scope="offline asset:read").headers["location"]
    page = client.portal.get(login, headers={"accept": "text/html,*/*;q=0.8"})
    fields = dict(re.findall(r'name="(\w+)" value="([^"]+)"', page.text))
    action = re.search(r'action="([^"]+)"', page.text)
    assert (page.status_code, "<li>asset:read</li>" in page.text, action) == (200, True, action)
    assert action is not None
    back = _back(client.portal.post(action[1], data={**fields, "decision": "allow"}))
    assert (back["state"], exchange(client, back["code"]).json()["scope"]) == ("s&1", "asset:read offline")


def test_login_when_denied_goes_back_with_the_error(client: Any) -> None:
    challenge = authorize(client).headers["location"].partition("=")[2]
    denied = {"login_challenge": challenge, "decision": "deny"}
    assert _back(client.portal.post(LOGIN, data=denied)) == {"error": "access_denied", "state": "s&1"}
    assert client.portal.post(LOGIN, data=denied).status_code == 400


@pytest.mark.parametrize("change", [{"client_id": "x"}, {"redirect_uri": f"{REDIRECT}/"}])
def test_authorize_when_the_client_or_redirect_is_unknown_goes_nowhere(
    client: Any, change: dict[str, str]
) -> None:
    answer = authorize(client, **change)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("change", "error"),
    [({"response_type": "token"}, "unsupported_response_type"), ({"scope": "asset:fly"}, "invalid_scope")],
)
def test_authorize_when_the_request_is_wrong_goes_back_with_the_error(
    client: Any, change: dict[str, str], error: str
) -> None:
    assert _back(authorize(client, **change)) == {"error": error, "state": "s&1"}


def test_scopes_when_granted_are_those_asked_for_that_the_user_may_have(client: Any) -> None:
    client.control("roles", roles=["MEDIAUPLOAD"])
    wanted = "asset:read asset:write admin.user:read offline"
    assert (
        exchange(client, consented(client, scope=wanted)["code"]).json()["scope"]
        == "asset:read asset:write offline"
    )
    machine = token(client, grant_type="client_credentials", scope=wanted).json()
    assert (machine["scope"], "refresh_token" in machine) == ("asset:read asset:write", False)


def test_exchange_when_a_subset_is_asked_for_gives_only_that(client: Any) -> None:
    code = consented(client, scope="offline asset:read asset:write")["code"]
    answer = exchange(client, code, scope="asset:read").json()
    assert (answer["scope"], "refresh_token" in answer, answer["expires_in"]) == ("asset:read", False, 3600)


def test_exchange_when_the_verifier_fits_gives_a_token(client: Any) -> None:
    code = consented(client, code_challenge=CHALLENGE, code_challenge_method="S256")["code"]
    assert exchange(client, code, code_verifier=VERIFIER).status_code == 200


@pytest.mark.parametrize("case", ["late", "other redirect", "twice", "other verifier", "no verifier"])
def test_exchange_when_the_code_does_not_serve_is_an_invalid_grant(client: Any, case: str) -> None:
    proof = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"} if "verifier" in case else {}
    code = consented(client, **proof)["code"]
    if case == "late":
        client.advance(601)
    if case == "twice":
        exchange(client, code)
    other = {
        "other redirect": {"redirect_uri": "http://127.0.0.1:8765/callback"},
        "other verifier": {"code_verifier": VERIFIER[::-1]},
    }
    answer = exchange(client, code, **other.get(case, {}))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_refresh_when_rights_were_lost_grants_less(client: Any) -> None:
    first = exchange(client, consented(client, scope="offline asset:read asset:write")["code"]).json()
    client.control("roles", roles=[])
    second = token(client, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert (second["scope"], "refresh_token" in second) == ("asset:read offline", False)


def test_revoke_when_called_ends_the_token(client: Any) -> None:
    first = exchange(client, consented(client)["code"]).json()
    part = client.sandbox.part("bynder")
    for kind in ("access_token", "refresh_token"):
        answer = client.portal.post(
            f"{BASE}/revoke",
            data={"token": first[kind]},
            auth=(part.client_id, part.client_secret),
        )
        assert answer.status_code == 200
    headers = {"Authorization": f"Bearer {first['access_token']}"}
    assert client.portal.get("/api/v4/account", headers=headers).status_code == 401
    refresh = token(client, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert refresh.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "scope": "asset:fly"}, "invalid_scope"),
    ],
)
def test_token_when_the_request_is_wrong_says_so_as_the_standard_has_it(
    client: Any, fields: dict[str, str], error: str
) -> None:
    answer = token(client, **fields)
    assert (answer.status_code, answer.json()["error"], "error_description" in answer.json()) == (
        400,
        error,
        True,
    )


def test_scope_list_has_groups_with_scopes_and_their_permissions(client: Any) -> None:
    groups = client.portal.get(f"{BASE}/scopes").json()["groups"]
    scopes = {scope["name"]: scope["anyOfPermissions"] for group in groups for scope in group["scopes"]}
    assert (len(scopes), scopes["workflow.job:approve"], scopes["asset:read"]) == (30, ["JOBAPPROVE"], [])


def test_permanent_tokens_have_scopes_and_roles_of_their_own(client: Any) -> None:
    made = client.control("add_token", scopes=["asset:read", "asset:write"], roles=["MEDIAEDIT"])["token"]
    own = {"Authorization": f"Bearer {made}"}
    media_id = client.saved()
    path = f"/api/v4/media/{media_id}"
    asked = [
        client.portal.post(path, headers=own, data={"name": "x"}),
        client.portal.delete(path, headers=own),
    ]
    assert [one.status_code for one in asked] == [202, 403]
    client.control("token_scopes", token=made, scopes=["asset:read"])
    assert client.portal.post(path, headers=own, data={"name": "y"}).status_code == 403
    client.control("revoke_token", token=made)
    assert client.portal.get(path, headers=own).status_code == 401
    assert client.portal.get(f"/api/v4/media/{media_id}").json()["name"] == "x"


def _client_id(client: Any) -> str:
    return str(client.sandbox.part("bynder").client_id)


def _back(answer: httpx.Response) -> dict[str, str]:
    location = answer.headers["location"]
    assert (answer.status_code, location.partition("?")[0]) == (302, REDIRECT)
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
