from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from authlib.oauth1 import ClientAuth
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ACCOUNT = "/api/v4/account"
OAUTH = "/api/v4/oauth"


def signed(
    client: Any, method: str, path: str, *, keys: dict[str, Any] | None = None, **options: Any
) -> httpx.Request:
    """A request signed over method, address, query and form."""
    request = httpx.Request(method, f"{client.sandbox.origins['portal']}{path}", **options)
    request.read()
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if is_form else {}
    body = request.content.decode() if is_form else ""
    _, headers, _ = signer(client, **(keys or {})).sign(method, str(request.url), headers, body)
    request.headers["authorization"] = headers["Authorization"]
    return request


def signer(client: Any, **keys: Any) -> ClientAuth:
    part = client.sandbox.part("bynder")
    own = {"token": part.oauth_token, "token_secret": part.oauth_token_secret}
    return ClientAuth(part.consumer_key, part.consumer_secret, **(keys or own))


def send(request: httpx.Request) -> httpx.Response:
    with httpx.Client(trust_env=False, verify=False) as http:
        return http.send(request)


@pytest.mark.parametrize(
    "path", [ACCOUNT, f"{ACCOUNT}/", "/api/v4/media/?keyword=a+b%20c&tags=%C3%A9%2C&total=1"]
)
def test_request_when_signed_is_let_in(client: Any, path: str) -> None:
    assert send(signed(client, "GET", path)).status_code == 200


def test_form_when_signed_arrives_whole(client: Any) -> None:
    media_id = client.saved()
    data = {"name": "Bühne & more=1+2", "description": ""}
    assert send(signed(client, "POST", f"/api/v4/media/{media_id}", data=data)).status_code == 202
    assert client.state()["assets"][0]["name"] == data["name"]


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.text(st.characters(exclude_categories=["Cs"])),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_signature_when_query_and_form_hold_any_text_is_right(client: Any, name: str, value: str) -> None:
    request = signed(client, "POST", "/api/v4/media", params={name: value}, data={"id": "x", name: value})
    assert send(request).status_code == 404  # let in, but there is no such asset


def test_form_when_changed_after_signing_is_refused(client: Any) -> None:
    media_id = client.saved()
    honest = signed(client, "POST", f"/api/v4/media/{media_id}", data={"name": "a"})
    forged = httpx.Request("POST", honest.url, data={"name": "b"}, headers=_authorization(honest))
    assert send(forged).status_code == 401


def test_json_and_multipart_when_signed_are_not_in_the_signature_but_arrive(client: Any) -> None:
    made = send(signed(client, "POST", "/api/workflow/campaigns", json={"name": "Ä", "key": "A"}))
    media_id = client.saved()
    files = {"name": (None, "Multi"), "tags": (None, "x,y")}
    changed = send(signed(client, "POST", f"/api/v4/media/{media_id}", files=files))
    assert (made.status_code, changed.status_code) == (201, 202)
    assert client.state()["campaigns"][0]["name"] == "Ä"
    assert (client.state()["assets"][0]["name"], client.state()["assets"][0]["tags"]) == ("Multi", ["x", "y"])


def test_request_when_repeated_is_refused(client: Any) -> None:
    request = signed(client, "GET", ACCOUNT)
    assert [send(request).status_code, send(request).status_code] == [200, 401]


def test_request_when_signed_long_ago_is_refused(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr("authlib.oauth1.rfc5849.client_auth.generate_timestamp", lambda: str(int(now - 3600)))
        request = signed(client, "GET", ACCOUNT)
    answer = send(request)
    assert (answer.status_code, answer.text) == (401, "Invalid or expired token.")


@pytest.mark.parametrize(
    "keys",
    [{"token": "unknown", "token_secret": "x"}, {"token_secret": "x"}, {"signature_method": "PLAINTEXT"}],
    ids=["token", "secret", "method"],
)
def test_request_when_a_key_or_the_method_is_wrong_is_refused(client: Any, keys: dict[str, str]) -> None:
    part = client.sandbox.part("bynder")
    known = {"token": part.oauth_token, "token_secret": part.oauth_token_secret}
    assert send(signed(client, "GET", ACCOUNT, keys={**known, **keys})).status_code == 401


@pytest.mark.parametrize("change", [("method", "DELETE"), ("query", "?limit=2"), ("path", "/api/v4/brands")])
def test_request_when_changed_after_signing_is_refused(client: Any, change: tuple[str, str]) -> None:
    honest = signed(client, "GET", "/api/v4/media?limit=1")
    what, value = change
    url = {"query": honest.url.join(value), "path": honest.url.join(f"{value}?limit=1")}.get(what, honest.url)
    method = "DELETE" if what == "method" else "GET"
    assert send(httpx.Request(method, url, headers=_authorization(honest))).status_code == 401


def test_three_legs_when_walked_give_a_token_that_signs(client: Any) -> None:
    callback = "http://127.0.0.1:9/back?a=1"
    first = _keys(send(signed(client, "POST", f"{OAUTH}/request_token/", keys={"redirect_uri": callback})))
    request = {"token": first["oauth_token"], "token_secret": first["oauth_token_secret"]}
    early = send(signed(client, "POST", f"{OAUTH}/access_token/", keys=request))
    consent = client.portal.get(f"{OAUTH}/authorise/", params={"oauth_token": first["oauth_token"]})
    back = dict(parse_qsl(urlsplit(consent.headers["location"]).query))
    verified = {**request, "verifier": back["oauth_verifier"]}
    wrong = send(signed(client, "POST", f"{OAUTH}/access_token/", keys={**request, "verifier": "x"}))
    second = _keys(send(signed(client, "POST", f"{OAUTH}/access_token/", keys=verified)))
    again = send(signed(client, "POST", f"{OAUTH}/access_token/", keys=verified))
    keys = {"token": second["oauth_token"], "token_secret": second["oauth_token_secret"]}
    assert (first["oauth_callback_confirmed"], back["a"], back["oauth_token"]) == (
        "true",
        "1",
        first["oauth_token"],
    )
    assert [early.status_code, wrong.status_code, again.status_code] == [401] * 3
    assert send(signed(client, "GET", ACCOUNT, keys=keys)).status_code == 200


def test_consent_when_asked_by_a_browser_is_a_page_to_click(client: Any) -> None:
    first = _keys(send(signed(client, "POST", f"{OAUTH}/request_token", keys={"redirect_uri": "oob"})))
    query = {"oauth_token": first["oauth_token"]}
    page = client.portal.get(f"{OAUTH}/authorise", params=query, headers={"accept": "text/html"})
    told = client.portal.post(f"{OAUTH}/authorise", data={**query, "decision": "allow"})
    assert ("Allow" in page.text, page.headers["content-type"]) == (True, "text/html; charset=utf-8")
    assert (told.status_code, len(told.text)) == (200, 20)


def _authorization(request: httpx.Request) -> dict[str, str]:
    return {"authorization": request.headers["authorization"]}


def _keys(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return dict(parse_qsl(answer.text))
