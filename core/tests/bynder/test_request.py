from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from damlink import Portal, Secret
from damlink._http.bearer import BearerAuth
from damlink._http.oauth2 import OAuth2
from damlink.bynder import SentRequest
from damlink.bynder._request import segment
from damlink.bynder._rights import permission_hint, rights_of
from damlink.errors import BynderAuthError, BynderError

HOME = httpx.URL("https://brand.bynder.com")

# --- what a call needs -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "scope", "role"),
    [
        ("GET", "/api/v4/media/", "asset:read", ""),
        ("GET", "/api/v4/media/1/", "asset:read", ""),
        ("GET", "/api/v4/media/1/download/2/", "asset:read", "MEDIAHIGHRES"),
        ("GET", "/api/v4/media/1/2/download/", "asset:read", "MEDIAHIGHRES"),
        ("POST", "/api/v4/media/1/", "asset:write", "MEDIAEDIT"),
        ("POST", "/api/v4/media/save/1/", "asset:write", "MEDIAUPLOAD"),
        ("POST", "/api/v4/media/1/save/additional/2/", "asset:write", "MEDIAUPLOAD"),
        ("DELETE", "/api/v4/media/1/", "asset:write", "MEDIAREMOVE"),
        ("DELETE", "/api/media/options", "asset:write", "MEDIAEDIT"),
        ("POST", "/api/upload/init", "", "MEDIAUPLOAD"),
        ("POST", "/api/v4/metaproperties/1/options/", "meta.assetbank:write", "METAPROPERTYMANAGEMENT"),
        ("POST", "/api/v4/users/1", "admin.user:write", "USERMANAGEMENT"),
        ("GET", "/api/v4/currentUser/", "current.user:read", ""),
        ("POST", "/api/workflow/campaigns/1", "workflow.campaign:write", "CAMPAIGNWRITE"),
        ("POST", "/api/workflow/campaigns/1/close", "workflow.campaign:write", "CAMPAIGNWRITE"),
        ("POST", "/api/workflow/campaigns", "workflow.campaign:write", "CAMPAIGNADD"),
        ("PATCH", "/api/workflow/jobs/1/finish", "workflow.job:approve", "JOBAPPROVE"),
        ("GET", "/api/store/order/1/products", "brandstore.order:read", "brandstore.orderadmin.edit"),
        ("GET", "/api/store/order/1/", "brandstore.order:read", "brandstore.orderadmin.view"),
        ("GET", "/v7/webhooks/public/api/subscriptions", "webhooks.config:read", "View Webhooks"),
        ("GET", "/api/v4/brands/", "", ""),
    ],
)
def test_rights_when_looked_up_are_the_published_ones(method: str, path: str, scope: str, role: str) -> None:
    rights = rights_of(method, path)
    assert rights.scope == scope
    assert " ".join(rights.roles).startswith(role)
    assert bool(rights.roles) == bool(role)


def test_permission_hint_when_nothing_is_published_says_where_to_look() -> None:
    assert (
        permission_hint("GET", "/api/v4/brands/")
        == "check that the token's user still exists and has its roles"
    )
    assert permission_hint("POST", "/api/upload/init").endswith(
        "needs the role MEDIAUPLOAD or MEDIAUPLOADFORAPPROVAL"
    )


def test_call_when_refused_with_403_says_what_it_needs(served: Portal, server: Any) -> None:
    server.then(403, b'{"message": "Access denied", "statuscode": "403"}')
    with pytest.raises(BynderAuthError) as caught:
        served.jobs.get("1")
    said = "the token needs the scope workflow.job:read, and its user's profile the role JOBOVERVIEW"
    assert caught.value.hint == said


# --- ids, repeats ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "part"),
    [("0C4D-1", "0C4D-1"), ("a@b.example", "a@b.example"), ("a/../b?c", "a%2F..%2Fb%3Fc"), ("ü", "%C3%BC")],
)
def test_id_when_it_is_part_of_a_path_stays_one_part(id: str, part: str) -> None:  # noqa: A002
    assert segment(id) == part


def test_delete_when_the_id_is_empty_is_not_sent(served: Portal, server: Any) -> None:
    with pytest.raises(BynderError, match="an id is missing"):
        served.users.delete("")
    assert server.asked == []


def test_delete_when_its_first_try_got_no_answer_takes_404_for_done(served: Portal, server: Any) -> None:
    server.then(503).then(404, b'{"message": "User not found"}')
    served.users.delete("1")
    assert server.lines == ["DELETE /api/v4/users/1"] * 2


def test_delete_when_there_is_nothing_to_delete_says_so(served: Portal, server: Any) -> None:
    server.then(404, b'{"message": "User not found"}')
    with pytest.raises(BynderError, match="User not found .*users/1"):
        served.users.delete("1")


# --- a request shown -------------------------------------------------------------------------------


def shown(**request: Any) -> SentRequest:
    url = request.pop("url", f"{HOME}/api/x")
    return SentRequest.of(httpx.Request("POST", url, **request), own=HOME)


def test_request_when_shown_reads_like_curl(server: Any) -> None:
    seen: list[SentRequest] = []
    server.always(200, b"[]")
    with Portal(server.url, BearerAuth(Secret("the-token")), on_request=seen.append, pace=None) as portal:
        list(portal.users.list(limit=2))
    assert str(seen[0]).splitlines()[0] == f"curl -X GET '{server.url}/api/v4/users/?page=1&limit=2' \\"
    assert "  -H 'authorization: **redacted**'" in str(seen[0])
    assert "the-token" not in str(seen[0])


def test_token_request_when_it_is_shown_hides_what_it_carries(server: Any) -> None:
    seen: list[SentRequest] = []
    server.then(200, b'{"access_token": "the-access", "expires_in": 3600}').then(200, b'{"name": "A"}')
    auth = OAuth2(f"{server.url}/token", "client", Secret("the-secret"), refresh_token=Secret("the-refresh"))
    with Portal(server.url, auth, on_request=seen.append, pace=None) as portal:
        portal.account.get()
    assert [request.url.removeprefix(server.url) for request in seen] == ["/token", "/api/v4/account"]
    assert "client_id=client" in seen[0].body
    said = "".join(map(str, seen))
    assert [secret for secret in ("the-access", "the-secret", "the-refresh") if secret in said] == []


def test_request_when_repeated_is_shown_each_time(server: Any, hurried: None) -> None:
    seen: list[SentRequest] = []
    server.then(503).then(200, b'{"name": "A"}')
    with Portal(server.url, BearerAuth(Secret("t")), on_request=seen.append, pace=None) as portal:
        portal.account.get()
    assert [request.method for request in seen] == ["GET", "GET"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"data": {"a": "1", "client_secret": "x"}}, "a=1&client_secret=**redacted**"),
        ({"json": {"a": [{"password": "x", "b": 2}]}}, '{"a": [{"password": "**redacted**", "b": 2}]}'),
        ({"json": {"endpoint": "https://us.example/x"}}, '{"endpoint": "**redacted**"}'),
        ({"content": b"x" * 9}, "<9 bytes>"),
        ({"content": b"x" * 70_000, "headers": {"content-type": "application/json"}}, "<70000 bytes>"),
        ({"content": iter([b"x"])}, "<a stream>"),
        ({}, ""),
        (
            {"data": {"policy": "x", "key": "k"}, "files": {"file": ("a.jpg", b"x")}},
            "policy=**redacted**&key=k&file=<file a.jpg>",
        ),
        ({"files": {"a": (None, b"b")}}, "a=b"),
    ],
    ids=["form", "json", "endpoint", "bytes", "long", "stream", "nothing", "multipart", "plain parts"],
)
def test_body_when_shown_is_told_without_secrets(body: dict[str, Any], text: str) -> None:
    assert shown(**body).body == text


def test_query_when_it_leads_elsewhere_is_redacted_whole() -> None:
    assert (
        shown(url="https://s3.example/a?X-Sig=1&b=2").url
        == "https://s3.example/a?X-Sig=**redacted**&b=**redacted**"
    )
    assert shown(url=f"{HOME}/a?token=1&b=2").url == f"{HOME}/a?token=**redacted**&b=2"
    assert shown(url="https://me:pw@brand.bynder.com/a").url == f"{HOME}/a"


SECRET_NAMES = st.sampled_from(
    [
        "password",
        "client_secret",
        "access_token",
        "refresh_token",
        "Policy",
        "X-Amz-Signature",
        "X-Amz-Credential",
    ]
)


@given(name=SECRET_NAMES, depth=st.integers(0, 3), form=st.booleans(), secret=st.uuids().map(str))
def test_secret_when_it_is_anywhere_in_a_body_is_never_shown(
    name: str, depth: int, form: bool, secret: str
) -> None:
    value: Any = {name: secret}
    for _ in range(depth):
        value = {"inner": [value]}
    body = {"data": {name: secret}} if form else {"json": value}
    assert secret not in str(shown(**body))
    assert secret not in json.dumps(shown(**body).body)
