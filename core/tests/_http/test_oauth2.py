from __future__ import annotations

import base64
import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import httpx
import pytest
from canaries import CANARY

from damlink import OAuth2, Secret
from damlink._http.bearer import BearerAuth
from damlink._http.client import Client, open_client
from damlink._http.token import Token
from damlink.errors import AuthError, ConfigError, TransientError


class Partner:
    """Gives tokens a1, a2, …; accepts the newest one alone, and only while it is `valid`."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.forms: list[dict[str, str]] = []
        self.answer: dict[str, Any] = {"expires_in": 3600}
        self.refuses: set[str] = set()
        self.valid = True
        server.serve(self._serve)

    def _serve(self, asked: Any) -> Any:
        if asked.path == "/token":
            return self._token({key: value[0] for key, value in parse_qs(asked.body.decode()).items()})
        newest = f"Bearer a{len(self.forms)}"
        good = self.valid and asked.headers.get("authorization") == newest
        return (
            self.server.reply(200, b"data")
            if good
            else self.server.reply(401, b'{"message": "Unauthorized"}')
        )

    def _token(self, form: dict[str, str]) -> Any:
        if form["grant_type"] in self.refuses:
            return self.server.reply(400, b'{"error": "invalid_grant"}')
        self.forms.append(form)
        return self.server.reply(
            200, json.dumps(self.answer | {"access_token": f"a{len(self.forms)}"}).encode()
        )

    @property
    def grants(self) -> list[str]:
        return [form["grant_type"] for form in self.forms]


@pytest.fixture
def tokens(server: Any) -> Partner:
    return Partner(server)


def auth_of(server: Any, **options: Any) -> OAuth2:
    return OAuth2(f"{server.url}/token", "client", Secret(CANARY), **options)


def expired(auth: OAuth2, refresh: str | None = None) -> None:
    auth.custody.save(Token(Secret("old"), time.time() - 1, Secret(refresh) if refresh else None))


def test_bearer_when_signing_adds_the_token() -> None:
    request = httpx.Request("GET", "https://api.example")
    next(BearerAuth(Secret("t0ken")).auth_flow(request))
    assert request.headers["authorization"] == "Bearer t0ken"


def test_oauth2_when_first_used_asks_for_one_token_and_keeps_it(
    partner: Client, server: Any, tokens: Partner
) -> None:
    partner.sign_with(auth_of(server, scopes=("read", "write")))
    assert [partner.get("/a").text, partner.get("/b").text] == ["data", "data"]
    assert tokens.forms == [
        {
            "grant_type": "client_credentials",
            "client_id": "client",
            "client_secret": CANARY,
            "scope": "read write",
        }
    ]
    assert server.lines == ["POST /token", "GET /a", "GET /b"]


@pytest.mark.parametrize(
    ("options", "grant", "fields"),
    [
        ({"username": "u", "password": Secret("p")}, "password", {"username": "u", "password": "p"}),
        ({"refresh_token": Secret("r0")}, "refresh_token", {"refresh_token": "r0"}),
        ({}, "client_credentials", {}),
    ],
    ids=["password", "refresh token", "client credentials"],
)
def test_oauth2_when_given_credentials_chooses_the_grant(
    partner: Client, server: Any, tokens: Partner, options: Any, grant: str, fields: dict[str, str]
) -> None:
    partner.sign_with(auth_of(server, **options))
    partner.get("/a")
    own = {"grant_type": grant, "client_id": "client", "client_secret": CANARY}
    assert tokens.forms == [own | fields]


def test_oauth2_when_headers_are_given_sends_them_with_every_request(
    partner: Client, server: Any, tokens: Partner
) -> None:
    partner.sign_with(auth_of(server, headers={"Api-Key": Secret("k3y")}))
    partner.get("/a")
    assert [asked.headers["api-key"] for asked in server.asked] == ["k3y", "k3y"]


def test_oauth2_when_the_token_is_old_renews_it_first(partner: Client, server: Any, tokens: Partner) -> None:
    partner.sign_with(auth := auth_of(server))
    expired(auth)
    partner.get("/a")
    assert server.lines == ["POST /token", "GET /a"]


@pytest.mark.parametrize(
    ("lifetime", "renewed_after"), [(3600, 3540), (100, 90), (None, 3540), ("3600", 3540)]
)
def test_oauth2_when_a_token_says_its_lifetime_renews_it_a_little_before(
    partner: Client, server: Any, tokens: Partner, lifetime: Any, renewed_after: float
) -> None:
    tokens.answer = {"expires_in": lifetime}
    partner.sign_with(auth := auth_of(server))
    partner.get("/a")
    token = auth.custody.load()
    assert token is not None
    assert abs(token.renew_at - time.time() - renewed_after) < 5


def test_oauth2_when_refused_renews_once_and_repeats(partner: Client, server: Any, tokens: Partner) -> None:
    partner.sign_with(auth := auth_of(server))
    auth.custody.save(Token(Secret("revoked"), time.time() + 3600))
    assert partner.post("/a", content=b"x").text == "data"
    assert server.lines == ["POST /a", "POST /token", "POST /a"]
    assert [asked.body for asked in server.asked if asked.path == "/a"] == [b"x", b"x"]


def test_oauth2_when_refused_again_is_an_auth_error(partner: Client, server: Any, tokens: Partner) -> None:
    tokens.valid = False
    partner.sign_with(auth_of(server))
    with pytest.raises(AuthError, match="answered 401 to GET /a"):
        partner.get("/a")
    assert server.lines == ["POST /token", "GET /a", "POST /token", "GET /a"]


def test_oauth2_when_a_refresh_token_comes_uses_it_the_next_time(
    partner: Client, server: Any, tokens: Partner
) -> None:
    tokens.answer = {"refresh_token": "r1"}
    partner.sign_with(auth := auth_of(server, username="u", password=Secret("p")))
    partner.get("/a")
    token = auth.custody.load()
    assert token is not None
    expired(auth, token.refresh.reveal() if token.refresh else None)
    partner.get("/a")
    assert tokens.grants == ["password", "refresh_token"]
    assert tokens.forms[1]["refresh_token"] == "r1"


def test_oauth2_when_no_refresh_token_comes_keeps_the_old_one(
    partner: Client, server: Any, tokens: Partner
) -> None:
    partner.sign_with(auth := auth_of(server, refresh_token=Secret("r0")))
    partner.get("/a")
    token = auth.custody.load()
    assert token is not None
    assert token.refresh == Secret("r0")


def test_oauth2_when_a_refresh_token_is_replaced_never_uses_the_old_one(
    partner: Client, server: Any, tokens: Partner
) -> None:
    tokens.answer = {"refresh_token": "r1", "expires_in": 3600}
    partner.sign_with(auth := auth_of(server, refresh_token=Secret("r0")))
    partner.get("/a")
    expired(auth, "r1")
    partner.get("/a")
    assert [form["refresh_token"] for form in tokens.forms] == ["r0", "r1"]


def test_oauth2_when_a_refresh_token_is_refused_begins_again_where_it_can(
    partner: Client, server: Any, tokens: Partner
) -> None:
    tokens.refuses = {"refresh_token"}
    partner.sign_with(auth := auth_of(server, username="u", password=Secret("p")))
    expired(auth, "r1")
    assert partner.get("/a").text == "data"
    assert tokens.grants == ["password"]


def test_oauth2_when_the_only_refresh_token_is_refused_says_to_give_a_new_one(
    partner: Client, server: Any, tokens: Partner
) -> None:
    tokens.refuses = {"refresh_token"}
    partner.sign_with(auth_of(server, refresh_token=Secret("r0")))
    with pytest.raises(AuthError) as caught:
        partner.get("/a")
    assert str(caught.value).startswith(
        '127.0.0.1 gave no token (400): {"error": "invalid_grant"}; the refresh '
    )
    assert not any(secret in str(caught.value) for secret in ("r0", CANARY))
    assert server.lines == ["POST /token"]


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"{}", b"[]", b"null", b'{"access_token": null, "expires_in": "1800"}'],
    ids=["no json", "no token", "a list", "null", "a token that is none"],
)
def test_oauth2_when_the_token_answer_is_nonsense_is_an_auth_error(
    partner: Client, server: Any, body: bytes
) -> None:
    server.always(200, body)
    partner.sign_with(auth_of(server))
    with pytest.raises(AuthError, match=r"gave no token \(200\): the answer holds none; run again;"):
        partner.get("/a")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_oauth2_when_the_token_endpoint_is_busy_repeats(
    partner: Client, server: Any, tokens: Partner, status: int
) -> None:
    server.then(status, headers={"Retry-After": "1"})
    partner.sign_with(auth_of(server))
    assert partner.post("/a").text == "data"
    assert server.lines == ["POST /token", "POST /token", "POST /a"]


@pytest.mark.parametrize("cut", [-1, 2], ids=["no answer", "half an answer"])
def test_oauth2_when_a_renewal_breaks_off_the_post_was_never_sent(
    partner: Client, server: Any, cut: int
) -> None:
    server.always(200, b"token", cut=cut)
    partner.sign_with(auth_of(server))
    with pytest.raises(TransientError):
        partner.post("/a")
    assert server.lines == ["POST /token"] * 5


def test_oauth2_when_many_threads_begin_renews_once(partner: Client, server: Any, tokens: Partner) -> None:
    partner.sign_with(auth_of(server))
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda number: partner.get(f"/{number}").text, range(16)))
    assert texts == ["data"] * 16
    assert len(tokens.forms) == 1


def test_oauth2_when_many_threads_are_refused_renews_once(
    partner: Client, server: Any, tokens: Partner
) -> None:
    partner.sign_with(auth := auth_of(server))
    auth.custody.save(Token(Secret("revoked"), time.time() + 3600))
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda number: partner.get(f"/{number}").text, range(16)))
    assert texts == ["data"] * 16
    assert len(tokens.forms) == 1


def test_oauth2_when_a_file_is_streamed_does_not_read_it_into_memory(
    partner: Client, server: Any, tokens: Partner
) -> None:
    partner.sign_with(auth_of(server))
    with partner.stream("GET", "/a") as response:
        assert not response.is_stream_consumed
        assert b"".join(response.iter_bytes()) == b"data"


@pytest.mark.parametrize(
    "other",
    [
        {"refresh_token": Secret("r")},
        {"username": "u"},
        {"password": Secret("p")},
        {"scopes": ("read",)},
    ],
    ids=lambda options: next(iter(options)),
)
def test_account_when_the_credentials_differ_is_another(server: Any, other: Any) -> None:
    assert auth_of(server).account == auth_of(server).account
    assert auth_of(server, **other).account != auth_of(server).account
    assert CANARY not in auth_of(server).account


def test_rotates_when_there_is_nothing_else_to_begin_with(server: Any) -> None:
    assert auth_of(server, refresh_token=Secret("r")).rotates
    assert not auth_of(server, username="u", password=Secret("p")).rotates


GRANTS = {
    "client": ({}, "check the client id and secret"),
    "password": (
        {"username": "ina", "password": Secret("pass-word")},
        "check the client id and secret, and the user name and password",
    ),
    "refresh token": (
        {"refresh_token": Secret("r0")},
        "the refresh token has ended or was withdrawn: give a new one",
    ),
}


@pytest.mark.parametrize(("options", "hint"), GRANTS.values(), ids=GRANTS)
def test_oauth2_when_what_was_given_is_refused_says_what_to_do_about_that(
    partner: Client, server: Any, options: dict[str, Any], hint: str
) -> None:
    server.always(400, b'{"error": "invalid_grant"}')
    partner.sign_with(auth_of(server, **options))
    with pytest.raises(AuthError) as caught:
        partner.get("/a")
    assert caught.value.hint == hint


@pytest.mark.parametrize("stolen", [False, True], ids=["who asked", "another"])
def test_consent_when_its_code_is_redeemed_proves_who_asked(server: Any, stolen: bool) -> None:
    asking, other = (auth_of(server, authorize_url=f"{server.url}/auth", login_only=True) for _ in range(2))
    query, _ = httpx.URL(asking.consent_url("state")).params, other.consent_url("state")
    server.always(200, b'{"access_token": "t", "refresh_token": "r"}')
    with open_client(server.url) as client:
        (other if stolen else asking).redeem(Secret("the-code"), client)
    verifier = dict(parse_qsl(server.asked[0].body.decode()))["code_verifier"]
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    assert query["code_challenge_method"] == "S256"
    assert len(verifier) >= 43
    assert (digest == query["code_challenge"]) is not stolen


def test_consent_when_another_object_redeems_its_code_is_taken_along(server: Any) -> None:
    asking, later = (auth_of(server, authorize_url=f"{server.url}/auth") for _ in range(2))
    asking.consent_url("state", "http://127.0.0.1:1/back")
    later.consent = asking.consent
    server.always(200, b'{"access_token": "t"}')
    with open_client(server.url) as client:
        later.redeem(Secret("the-code"), client)
    sent = dict(parse_qsl(server.asked[0].body.decode()))
    assert sent["code_verifier"] == asking.consent.verifier.reveal()
    assert sent["redirect_uri"] == "http://127.0.0.1:1/back"


@pytest.mark.parametrize(
    ("options", "needs"),
    [
        ({}, False),
        ({"authorize_url": "http://127.0.0.1/auth"}, True),
        ({"authorize_url": "http://127.0.0.1/auth", "login_only": True}, True),
        ({"authorize_url": "http://127.0.0.1/auth", "username": "u", "password": Secret("p")}, False),
        ({"authorize_url": "http://127.0.0.1/auth", "refresh_token": Secret("r")}, False),
    ],
    ids=["no-page", "no-grant", "consent-only", "password", "refresh-token"],
)
def test_oauth2_when_it_has_no_other_grant_needs_consent(server: Any, options: Any, needs: bool) -> None:
    assert auth_of(server, **options).needs_consent is needs


@pytest.mark.parametrize(
    ("status", "body", "cure"),
    [
        (400, b'{"error": "invalid_grant"}', "the refresh token has ended or was withdrawn"),
        (401, b'{"error": "invalid_client"}', "check the client id and secret"),
        (400, b'{"error": "invalid_request"}', "run again"),
        (400, b"<html>", "run again"),
        (403, b"<html>", "run again"),
        (404, b"", "run again"),
        (413, b"{}", "run again"),
    ],
)
def test_oauth2_when_a_token_is_refused_blames_the_refresh_token_for_invalid_grant_only(
    partner: Client, server: Any, status: int, body: bytes, cure: str
) -> None:
    server.always(status, body)
    partner.sign_with(auth_of(server, refresh_token=Secret("r0")))
    with pytest.raises(AuthError) as caught:
        partner.get("/a")
    assert str(caught.value.hint).startswith(cure)


@pytest.mark.parametrize("odd", ["\ud800", "x" * 100_000], ids=["half-character", "too-long"])
def test_consent_when_its_address_cannot_be_made_names_the_cure(odd: str) -> None:
    auth = OAuth2("http://127.0.0.1/token", odd, Secret(CANARY), authorize_url="http://127.0.0.1/auth")
    assert auth.account
    with pytest.raises(ConfigError, match="the consent page's address cannot be made") as caught:
        auth.consent_url("state")
    assert caught.value.hint == "check the client id and the address of the consent page"
