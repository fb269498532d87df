"""OAuth 1.0a signatures, judged by a library that did not make them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oauthlib.oauth1 import RequestValidator, ResourceEndpoint

from damlink import Secret
from damlink._http.oauth1 import OAuth1

CONSUMER_SECRET, TOKEN_SECRET = "consumer/secret%41", "token+secret"
FORM = "application/x-www-form-urlencoded"
AUTH = OAuth1("consumer%41", Secret(CONSUMER_SECRET), Secret("token&key"), Secret(TOKEN_SECRET))


class Keys(RequestValidator):  # type: ignore[misc]
    """Knows the one consumer and the one token."""

    enforce_ssl = False
    dummy_client = dummy_access_token = "nobody"

    def check_client_key(self, client_key: str) -> bool:
        return True

    check_nonce = check_access_token = check_client_key

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == "consumer%41"

    def validate_access_token(self, client_key: str, token: str, request: Any) -> bool:
        return token == "token&key"

    def validate_timestamp_and_nonce(self, *facts: Any, **more: Any) -> bool:
        return True

    validate_realms = validate_timestamp_and_nonce

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return CONSUMER_SECRET

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return TOKEN_SECRET


def is_signed_rightly(request: httpx.Request, method: str | None = None) -> bool:
    flow = AUTH.sync_auth_flow(request)
    signed = next(flow)
    flow.close()
    form = signed.read().decode() if signed.headers.get("content-type") == FORM else None
    headers = {name.title(): value for name, value in signed.headers.items()}
    ok, _ = ResourceEndpoint(Keys()).validate_protected_resource_request(
        str(signed.url), method or signed.method, form, headers
    )
    return bool(ok)


@given(
    query=st.dictionaries(st.text(max_size=8), st.text(max_size=12), max_size=3),
    form=st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=12), max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_signature_of_any_query_and_form_is_accepted(query: dict[str, str], form: dict[str, str]) -> None:
    assert is_signed_rightly(
        httpx.Request("POST", "https://portal.test/api/v4/media/", params=query, data=form)
    )


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"name": "x"}},
        {"data": {"a": "b"}, "files": {"file": ("a.bin", b"\0\xff")}},
        {"content": b"raw"},
    ],
    ids=["json", "multipart", "bytes"],
)
def test_body_that_is_no_form_is_left_whole_and_unsigned(body: dict[str, Any]) -> None:
    request = httpx.Request("POST", "https://portal.test:8443/p%20q/?ids=a,b", **body)
    before = httpx.Request(
        "POST", "https://portal.test", headers=request.headers, content=request.read()
    ).read()
    assert is_signed_rightly(request)
    assert request.read() == before
    assert "body_hash" not in request.headers["Authorization"]


def test_signature_of_another_method_is_refused() -> None:
    assert not is_signed_rightly(httpx.Request("GET", "https://portal.test/"), method="DELETE")


def test_each_request_has_a_nonce_of_its_own() -> None:
    signed = []
    for _ in range(2):
        flow = AUTH.sync_auth_flow(httpx.Request("GET", "https://portal.test/"))
        signed.append(next(flow).headers["Authorization"])
        flow.close()
    assert signed[0] != signed[1]
    assert CONSUMER_SECRET not in signed[0]
