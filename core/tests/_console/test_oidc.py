"""Sign-in at an OpenID Connect issuer, at the wire: who comes in, and which lies are refused."""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import httpx
import pytest
from canaries import KEY
from click.testing import CliRunner, Result
from consoles import origin_of, run_console
from joserfc import jws
from oidc_issuer import CLIENT_ID, CLIENT_SECRET, FakeIssuer, ec_key, rsa_key, unsigned
from scripted_server import Reply, Server

from damlink import _cli
from damlink._config.load import loads
from damlink._console.cookies import COOKIE, OIDC_COOKIE
from damlink._run.session import Session
from damlink._state.access import Access, Kind
from damlink._state.audit import Audit
from damlink._state.users import Role, Users
from damlink.errors import AuthError

CONFIG = """
[console.oidc]
issuer = "{issuer}"
client_id = "console"
client_secret = {{ env = "OIDC_SECRET" }}
administrators = ["dam-admins"]
operators = ["dam-operators"]
viewers = ["dam-viewers", "everyone"]
"""
PAGE = {"Accept": "text/html"}


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 5, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def pass_by(self, **span: float) -> None:
        self.moment += timedelta(**span)


@attrs.define
class Site:
    """A console, its issuer, and the browser of a person."""

    session: Session
    issuer: FakeIssuer
    clock: Clock
    url: str

    @contextlib.contextmanager
    def browser(self) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.url, trust_env=False, headers=PAGE) as client:
            yield client

    def sign_in(self, client: httpx.Client) -> httpx.Response:
        return client.get("/oidc/begin", follow_redirects=True)

    def arrive(self) -> httpx.Response:
        """Sign in with a new browser; return the answer of the console."""
        with self.browser() as client:
            return self.sign_in(client)

    def users(self) -> list[tuple[str, Role]]:
        return [(each.name, each.role) for each in Users(self.session.database).listing()]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Iterator[Site]:
    monkeypatch.setenv("DAMLINK_KEY", KEY)
    monkeypatch.setenv("OIDC_SECRET", CLIENT_SECRET)
    clock = Clock()
    issuer, text = FakeIssuer(server, clock), CONFIG.format(issuer=server.url)
    (tmp_path / "damlink.toml").write_text(text)
    with (
        Session(loads(text, tmp_path / "damlink.toml"), now=clock) as session,
        run_console(session) as (_, address),
    ):
        yield Site(session, issuer, clock, origin_of(address))


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "damlink.console"]


# --- who comes in ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["dam-admins"], Role.ADMINISTRATOR),
        (["x", "dam-operators"], Role.OPERATOR),
        (["everyone"], Role.VIEWER),
        (["everyone", "dam-operators", "dam-viewers"], Role.OPERATOR),
        (["everyone", "dam-admins"], Role.ADMINISTRATOR),
    ],
)
def test_person_when_in_groups_has_the_highest_of_their_roles(
    site: Site, groups: list[str], role: Role
) -> None:
    site.issuer.claims["groups"] = groups
    with site.browser() as client:
        assert site.sign_in(client).status_code == 200
        assert f"Signed in: oidc:ann ({role})" in client.get("/").text
    assert site.users() == [("oidc:ann", role)]
    (entry,) = Audit(site.session.database).latest(5)
    assert (entry.user, entry.action, entry.subject) == ("oidc:ann", "sign in", "by OpenID Connect")


SIGNATURES = {
    "RS256": lambda: rsa_key("first"),
    "RS512": lambda: rsa_key("first"),
    "PS256": lambda: rsa_key("first"),
    "ES256": lambda: ec_key("first"),
    "ES384": lambda: ec_key("first", "P-384"),
    "ES512": lambda: ec_key("first", "P-521"),
}


@pytest.mark.parametrize("algorithm", SIGNATURES)
@pytest.mark.parametrize("kid", ["first", ...], ids=["kid", "no-kid"])
def test_token_when_signed_by_a_permitted_algorithm_lets_in(site: Site, algorithm: str, kid: Any) -> None:
    site.issuer.key = SIGNATURES[algorithm]()
    site.issuer.published = [site.issuer.key]
    site.issuer.header = {"alg": algorithm} | ({} if kid is ... else {"kid": kid})
    assert site.arrive().status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID},
        {"aud": CLIENT_ID, "azp": CLIENT_ID},
    ],
)
def test_token_when_it_is_for_us_in_any_form_lets_in(site: Site, claims: dict[str, Any]) -> None:
    site.issuer.claims |= claims
    assert site.arrive().status_code == 200


def test_secret_when_the_issuer_wants_it_in_the_form_is_sent_there(site: Site) -> None:
    site.issuer.discovery["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    assert site.arrive().status_code == 200


def test_login_when_there_is_an_issuer_leads_to_it(site: Site) -> None:
    with site.browser() as client:
        answer = client.get("/")
        assert (answer.status_code, 'href="/oidc/begin"' in answer.text) == (401, True)
        # No user has a password.
        assert 'name="password"' not in answer.text


def test_cookie_when_an_attempt_begins_is_kept_from_scripts_and_ends(site: Site) -> None:
    with site.browser() as client:
        cookie = client.get("/oidc/begin").headers["set-cookie"]
    assert cookie.startswith(f"{OIDC_COOKIE}=")
    assert "; HttpOnly; Max-Age=600; Path=/; SameSite=lax" in cookie


def test_session_when_it_begins_has_a_new_id_and_the_attempt_is_forgotten(site: Site) -> None:
    Users(site.session.database).add("bob", Role.VIEWER, None)
    planted = Access(site.session.database).begin("bob")
    with site.browser() as client:
        client.cookies.set(COOKIE, planted, domain="127.0.0.1")
        cookies = site.sign_in(client).headers.get_list("set-cookie")
    (own,) = (each for each in cookies if each.startswith(f"{COOKIE}="))
    assert planted not in own
    assert "HttpOnly; Path=/; SameSite=strict" in own
    assert any(each.startswith(f'{OIDC_COOKIE}=""; ') for each in cookies)
    assert Access(site.session.database).touch(planted, Kind.SESSION) is None


def test_request_when_it_only_previews_uses_nothing_up(site: Site) -> None:
    with site.browser() as client:
        page = client.get("/oidc/begin").headers["location"]
        back = client.get(page).headers["location"]
        assert client.head(back).status_code == 404
        assert client.get(back).status_code == 200


# --- lies ------------------------------------------------------------------------------------------


def claim(**claims: Any) -> Callable[[FakeIssuer], None]:
    return lambda issuer: issuer.claims.update(claims)


def later(name: str, **span: float) -> Callable[[FakeIssuer], None]:
    moment = (Clock().moment + timedelta(**span)).timestamp()
    return claim(**{name: int(moment)})


def discovery(**fields: Any) -> Callable[[FakeIssuer], None]:
    return lambda issuer: issuer.discovery.update(fields)


def reply(path: str, status: int, body: bytes, **headers: str) -> Callable[[FakeIssuer], None]:
    return lambda issuer: issuer.replies.update({path: Reply(status, body, headers)})


def header(**fields: Any) -> Callable[[FakeIssuer], None]:
    return lambda issuer: issuer.header.update(fields)


def signs(make: Callable[[FakeIssuer, Any], str]) -> Callable[[FakeIssuer], None]:
    return lambda issuer: setattr(issuer, "sign", lambda claims: make(issuer, claims))


def published(*keys: Any) -> Callable[[FakeIssuer], None]:
    document = {
        "keys": [each if isinstance(each, dict | int) else each.as_dict(private=False) for each in keys]
    }
    return reply("/keys", 200, json.dumps(document).encode())


def returned(**fields: str) -> Callable[[FakeIssuer], None]:
    return lambda issuer: issuer.returned.update(fields)


def _hmac_by_public_key(issuer: FakeIssuer, claims: Any) -> str:
    # By hand: the library refuses to use a public key so.
    head = unsigned({"alg": "HS256", "kid": "first"}, claims).rpartition(".")[0]
    digest = hmac.digest(issuer.key.as_pem(private=False), head.encode(), "sha256")
    return f"{head}.{_base64(digest)}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _signed_by_another(issuer: FakeIssuer, claims: Any) -> str:
    payload = json.dumps(claims).encode()
    return jws.serialize_compact(issuer.header, payload, rsa_key("first-of-another"), algorithms=["RS256"])


def _changed(issuer: FakeIssuer, claims: Any) -> str:
    head, _, signature = FakeIssuer._sign(issuer, claims).split(".")
    body = _base64(json.dumps(claims | {"groups": ["dam-admins"]}).encode())
    return f"{head}.{body}.{signature}"


TOKEN, KEYS, WELL_KNOWN = "/token", "/keys", "/.well-known/openid-configuration"
DEEP, HUGE = b"[" * 100_000, b'{"a": "' + b"x" * 300_000 + b'"}'
LIES = {
    "iss-of-another": (claim(iss="https://evil.example"), "of another issuer"),
    "iss-with-a-slash": (lambda issuer: issuer.claims.update(iss=f"{issuer.url}/"), "of another issuer"),
    "iss-missing": (claim(iss=...), "of another issuer"),
    "aud-of-another": (claim(aud="other"), r"another client \(aud\)"),
    "aud-that-contains-ours": (claim(aud="console-2"), r"another client \(aud\)"),
    "aud-list-without-us": (claim(aud=["other", "console2"]), r"another client \(aud\)"),
    "aud-missing": (claim(aud=...), r"another client \(aud\)"),
    "aud-table": (claim(aud={"console": 1}), r"another client \(aud\)"),
    "azp-missing": (claim(aud=[CLIENT_ID, "other"]), r"another client \(azp\)"),
    "azp-of-another": (claim(azp="other"), r"another client \(azp\)"),
    "nonce-of-another": (claim(nonce="x"), r"another sign-in \(nonce\)"),
    "nonce-missing": (claim(nonce=...), r"another sign-in \(nonce\)"),
    "exp-past": (later("exp", seconds=-61), r"expired \(exp\)"),
    "exp-missing": (claim(exp=...), "no moment exp"),
    "exp-text": (claim(exp="9999999999"), "no moment exp"),
    "exp-true": (claim(exp=True), "no moment exp"),
    "exp-nan": (claim(exp=float("nan")), "no moment exp"),
    "iat-future": (later("iat", seconds=61), "from the future"),
    "iat-missing": (claim(iat=...), "no moment iat"),
    "nbf-future": (later("nbf", seconds=61), "from the future"),
    "sub-missing": (claim(sub=...), "no subject"),
    "sub-empty": (claim(sub=""), "no subject"),
    "sub-number": (claim(sub=1), "no subject"),
    "sub-control": (claim(sub="1\0"), "no subject"),
    "sub-long": (claim(sub="1" * 256), "no subject"),
    "alg-none": (
        signs(lambda _, claims: unsigned({"alg": "none"}, claims)),
        "algorithm that is not permitted",
    ),
    "alg-none-with-kid": (
        signs(lambda _, claims: unsigned({"alg": "None", "kid": "first"}, claims, b"x")),
        "algorithm that is not permitted",
    ),
    "alg-missing": (
        signs(lambda _, claims: unsigned({"kid": "first"}, claims, b"x")),
        "no signed token|algorithm",
    ),
    "hs256-by-the-public-key": (signs(_hmac_by_public_key), "algorithm that is not permitted"),
    "kid-unknown": (header(kid="unknown"), "no key of the issuer"),
    "kid-number": (
        signs(lambda _, claims: unsigned({"alg": "RS256", "kid": 1}, claims, b"x")),
        "names no key|no signed",
    ),
    "key-of-another-issuer": (signs(_signed_by_another), "signature of the ID token is wrong"),
    "claims-changed": (signs(_changed), "signature of the ID token is wrong"),
    "rsa-alg-with-ec-key": (published(ec_key("first")), "no key of the issuer"),
    "key-twice": (published(rsa_key("first"), rsa_key("first")), "no key of the issuer"),
    "key-for-encryption": (
        published(rsa_key("first").as_dict(private=False) | {"use": "enc"}),
        "no key that can sign",
    ),
    "key-of-another-algorithm": (
        published(rsa_key("first").as_dict(private=False) | {"alg": "RS512"}),
        "no key of the issuer",
    ),
    "key-too-short": (
        published({"kty": "RSA", "kid": "first", "e": "AQAB", "n": _base64(b"\xff" * 128)}),
        "no key that can sign",
    ),
    "key-symmetric": (published({"kty": "oct", "kid": "first", "k": "AAAA"}), "no key that can sign"),
    "key-broken": (
        published({"kty": "RSA", "kid": "first", "n": "AQAB"}, {"kty": "EC"}, 1),
        "no key that can sign",
    ),
    "token-not-a-token": (signs(lambda *_: "x"), "no signed token"),
    "token-not-ascii": (signs(lambda *_: "ä.b.c"), "no signed token"),
    "token-deep": (signs(lambda *_: f"{_base64(DEEP)}.e30.AA"), "no signed token"),
    "token-five-parts": (signs(lambda *_: "a.b.c.d.e"), "no signed token"),
    "discovery-of-another": (
        discovery(issuer="https://evil.example"),
        "discovery document is of another issuer",
    ),
    "discovery-with-a-slash": (
        lambda issuer: issuer.discovery.update(issuer=f"{issuer.url}/"),
        "discovery document is of another issuer",
    ),
    "discovery-without-keys": (discovery(jwks_uri=...), "no https address as jwks_uri"),
    "discovery-by-plain-http": (discovery(token_endpoint="http://evil.example/token"), "as token_endpoint"),
    "discovery-of-a-script": (
        discovery(authorization_endpoint="javascript:alert(1)"),
        "as authorization_endpoint",
    ),
    "discovery-html": (reply(WELL_KNOWN, 200, b"<html>"), "sends no JSON document"),
    "discovery-list": (reply(WELL_KNOWN, 200, b"[]"), "sends no JSON document"),
    "discovery-deep": (reply(WELL_KNOWN, 200, DEEP), "sends no JSON document"),
    "discovery-huge": (reply(WELL_KNOWN, 200, HUGE), "sends more than"),
    "discovery-404": (reply(WELL_KNOWN, 404, b""), "answered 404"),
    "discovery-500": (reply(WELL_KNOWN, 500, b""), "answered 500"),
    "discovery-redirect": (reply(WELL_KNOWN, 302, b"", location="https://evil.example"), "answered 302"),
    "keys-html": (reply(KEYS, 200, b"<html>"), "sends no JSON document"),
    "keys-huge": (reply(KEYS, 200, HUGE), "sends more than"),
    "keys-none": (reply(KEYS, 200, b'{"keys": []}'), "no key that can sign"),
    "keys-table": (reply(KEYS, 200, b'{"keys": {"a": 1}}'), "no key that can sign"),
    "keys-500": (reply(KEYS, 500, b""), "answered 500"),
    "token-400": (reply(TOKEN, 400, b'{"error": "invalid_grant"}'), "answered 400 .*: invalid_grant"),
    "token-400-other-text": (
        reply(TOKEN, 400, json.dumps({"error": CLIENT_SECRET, "error_description": CLIENT_SECRET}).encode()),
        "answered 400 without an ID token; ",
    ),
    "token-500": (reply(TOKEN, 500, CLIENT_SECRET.encode()), "answered 500"),
    "token-html": (reply(TOKEN, 200, b"<html>"), "answered 200 without an ID token"),
    "token-huge": (reply(TOKEN, 200, HUGE), "sends more than"),
    "token-without-id-token": (
        reply(TOKEN, 200, b'{"access_token": "x"}'),
        "answered 200 without an ID token",
    ),
    "token-of-another-type": (reply(TOKEN, 200, b'{"id_token": ["x"]}'), "answered 200 without an ID token"),
    "token-cut": (lambda issuer: issuer.replies.update({TOKEN: Reply(200, b"{}", cut=-1)}), "cannot be used"),
    "error-instead-of-a-code": (returned(error="access_denied", code=""), "no code: access_denied"),
    "error-of-any-text": (returned(error=CLIENT_SECRET), "no code; "),
    "code-missing": (returned(code=""), "no code"),
    "code-of-another": (returned(code="x"), "invalid_grant"),
    "answer-of-another-issuer": (returned(iss="https://evil.example"), r"another issuer \(iss\)"),
    "answer-without-its-issuer": (
        discovery(authorization_response_iss_parameter_supported=True),
        r"another issuer \(iss\)",
    ),
    "state-of-another": (returned(state="x"), r"not begun in this browser.*\(state\)"),
    "state-missing": (returned(state=""), r"not begun in this browser.*\(state\)"),
    "groups-missing": (claim(groups=...), "no list of texts as 'groups'"),
    "groups-a-text": (claim(groups="dam-admins"), "no list of texts as 'groups'"),
    "groups-a-text-with-ours": (claim(groups="not-dam-admins,x"), "no list of texts as 'groups'"),
    "groups-a-table": (claim(groups={"dam-admins": True}), "no list of texts as 'groups'"),
    "groups-of-lists": (claim(groups=[["dam-admins"]]), "no list of texts as 'groups'"),
    "groups-of-others": (
        claim(groups=["not-dam-admins", "dam-admins-2", "DAM-ADMINS", ""]),
        "none of the 4 values",
    ),
    "groups-none": (claim(groups=[]), "none of the 0 values"),
}


@pytest.mark.parametrize(("lie", "cause"), LIES.values(), ids=list(LIES))
def test_lie_when_told_lets_no_one_in_and_is_one_line_with_cause_and_cure(
    site: Site, caplog: pytest.LogCaptureFixture, lie: Callable[[FakeIssuer], None], cause: str
) -> None:
    lie(site.issuer)
    with caplog.at_level(logging.DEBUG, logger="damlink"), site.browser() as client:
        answer = site.sign_in(client)
        assert answer.status_code in (403, 503)
        assert client.cookies.get(COOKIE) is None
        assert client.get("/").status_code == 401
    (line,) = refusals(caplog)
    assert "\n" not in line
    assert line.startswith(f"a sign-in at {site.issuer.url} is refused: ")
    assert re.search(cause, line), line
    assert "; " in line
    assert site.users() == []


# --- an attempt belongs to a browser, once ----------------------------------------------------------


def _come_back(client: httpx.Client) -> str:
    """Begin, and let the issuer answer; return the address that leads back."""
    return client.get(client.get("/oidc/begin").headers["location"]).headers["location"]


def test_answer_when_used_again_is_refused(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with site.browser() as client:
        back = _come_back(client)
        cookie = {"Cookie": f"{OIDC_COOKIE}={client.cookies[OIDC_COOKIE]}"}
        assert [client.get(back, headers=cookie).status_code for _ in range(2)] == [200, 403]
    assert "(state)" in refusals(caplog)[0]
    assert site.issuer.count(TOKEN) == 1


@pytest.mark.parametrize("own", [False, True], ids=["without-cookie", "with-another-attempt"])
def test_answer_when_in_another_browser_is_refused_and_still_good_in_its_own(site: Site, own: bool) -> None:
    with site.browser() as client, site.browser() as other:
        back = _come_back(client)
        if own:
            other.get("/oidc/begin")
        assert other.get(back).status_code == 403
        assert client.get(back).status_code == 200


@pytest.mark.parametrize(("minutes", "status"), [(9.9, 200), (10, 403)])
def test_answer_when_late_is_refused(site: Site, minutes: float, status: int) -> None:
    with site.browser() as client:
        page = client.get("/oidc/begin").headers["location"]
        site.clock.pass_by(minutes=minutes)
        assert client.get(client.get(page).headers["location"]).status_code == status


def test_request_when_it_begins_asks_with_new_values_each_time(site: Site) -> None:
    with site.browser() as client:
        pages = [client.get("/oidc/begin").headers["location"] for _ in range(2)]
    first, second = (parse_qs(urlsplit(page).query) for page in pages)
    changed = {name for name in first if first[name] != second[name]}
    assert changed == {"state", "nonce", "code_challenge"}
    assert first["redirect_uri"] == [f"{site.url}/oidc/callback"]
    assert site.issuer.count(WELL_KNOWN) == 1


# --- keys ------------------------------------------------------------------------------------------


def _rotate(site: Site, kid: str) -> None:
    site.issuer.key = rsa_key(kid)
    site.issuer.header["kid"] = kid
    site.issuer.published = [site.issuer.key]


def test_keys_when_rotated_are_fetched_once_more(site: Site) -> None:
    assert site.arrive().status_code == 200
    _rotate(site, "second")
    assert [site.arrive().status_code for _ in range(2)] == [200, 200]
    assert site.issuer.count(KEYS) == 2


def test_key_when_unknown_again_and_again_causes_few_requests(site: Site) -> None:
    site.arrive()
    site.issuer.header["kid"] = "unknown"
    assert [site.arrive().status_code for _ in range(5)] == [403] * 5
    assert site.issuer.count(KEYS) == 2
    site.clock.pass_by(seconds=11)
    site.arrive()
    assert site.issuer.count(KEYS) == 3


def test_key_when_withdrawn_counts_no_longer_than_an_hour(site: Site) -> None:
    site.arrive()
    withdrawn = site.issuer.key
    site.issuer.published = [rsa_key("second")]
    site.clock.pass_by(minutes=61)
    assert (site.issuer.key, site.arrive().status_code) == (withdrawn, 403)


def test_issuer_when_down_is_asked_seldom_and_again_later(site: Site) -> None:
    site.issuer.replies[WELL_KNOWN] = Reply(503)
    assert [site.arrive().status_code for _ in range(3)] == [503] * 3
    assert site.issuer.count(WELL_KNOWN) == 1
    del site.issuer.replies[WELL_KNOWN]
    site.clock.pass_by(seconds=11)
    assert site.arrive().status_code == 200


def test_documents_when_the_clock_was_set_back_are_fetched_again(site: Site) -> None:
    site.arrive()
    site.clock.pass_by(days=-1)
    assert site.arrive().status_code == 200
    assert (site.issuer.count(WELL_KNOWN), site.issuer.count(KEYS)) == (2, 2)


# --- users -----------------------------------------------------------------------------------------


def test_person_when_signed_in_again_keeps_the_name_and_takes_the_new_role(site: Site) -> None:
    site.arrive()
    site.issuer.claims |= {"groups": ["everyone"], "preferred_username": "ann.married"}
    with site.browser() as client:
        site.sign_in(client)
        assert "Signed in: oidc:ann (viewer)" in client.get("/").text
    (entry, _) = Audit(site.session.database).latest(5)
    assert json.loads(entry.details) == {"role": ["administrator", "viewer"]}


def test_person_when_without_role_any_more_loses_the_sessions(site: Site) -> None:
    with site.browser() as client:
        site.sign_in(client)
        assert client.get("/").status_code == 200
        site.issuer.claims["groups"] = []
        site.arrive()
        assert client.get("/").status_code == 401


def test_people_when_of_one_name_are_two_users(site: Site) -> None:
    Users(site.session.database).add("ann", Role.VIEWER, None)
    site.arrive()
    site.issuer.claims |= {"sub": "2", "groups": ["everyone"]}
    site.arrive()
    (first, _), (second, _), (third, _) = site.users()
    assert (first, second, third.startswith("oidc:ann~")) == ("ann", "oidc:ann", True)
    assert dict(site.users())["oidc:ann"] is Role.ADMINISTRATOR
    assert dict(site.users())["ann"] is Role.VIEWER


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"preferred_username": ...}, "oidc:248289761001"),
        ({"preferred_username": 5}, "oidc:248289761001"),
        ({"preferred_username": "<b>ann"}, "oidc:-b-ann"),
        ({"preferred_username": "a" * 500}, f"oidc:{'a' * 40}"),
    ],
)
def test_name_when_it_cannot_be_one_is_made_one(site: Site, claims: dict[str, Any], name: str) -> None:
    site.issuer.claims |= claims
    site.arrive()
    assert [each for each, _ in site.users()] == [name]


@pytest.fixture
def administrator(site: Site) -> Iterator[httpx.Client]:
    Users(site.session.database).add("root", Role.ADMINISTRATOR, None)
    secret = Access(site.session.database).begin("root")
    headers = {"Cookie": f"{COOKIE}={secret}", "Origin": site.url, "Accept": "application/json"}
    with httpx.Client(base_url=site.url, trust_env=False, headers=headers) as client:
        yield client


def test_user_of_the_issuer_when_revoked_is_signed_out(site: Site, administrator: httpx.Client) -> None:
    with site.browser() as client:
        site.sign_in(client)
        assert administrator.get("/user?name=oidc:ann").json()["access"][0]["kind"] == "session"
        assert administrator.post("/users/revoke", data={"name": "oidc:ann"}).status_code == 303
        assert client.get("/").status_code == 401


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/users/role", {"role": "viewer"}),
        ("/users/link", {}),
        ("/users/token", {"label": "x", "days": "1"}),
    ],
)
def test_user_of_the_issuer_when_given_another_way_in_is_refused(
    site: Site, administrator: httpx.Client, path: str, form: dict[str, str]
) -> None:
    site.arrive()
    answer = administrator.post(path, data={"name": "oidc:ann"} | form)
    assert (answer.status_code, "which gives the role" in answer.text) == (409, True)


def test_user_of_the_issuer_when_setting_a_password_is_refused(site: Site) -> None:
    with site.browser() as client:
        site.sign_in(client)
        assert "is changed there" in client.get("/password").text
        form = {"new": "another long password", "again": "another long password"}
        assert client.post("/password", data=form, headers={"Origin": site.url}).status_code == 409
    assert Users(site.session.database).find_password("oidc:ann") is None


def test_user_when_removed_comes_back_with_the_next_sign_in(site: Site, administrator: httpx.Client) -> None:
    site.arrive()
    assert administrator.post("/users/remove", data={"name": "oidc:ann"}).status_code == 303
    assert [name for name, _ in site.users()] == ["root"]
    assert site.arrive().status_code == 200


def test_session_when_the_issuer_counts_no_more_ends(site: Site) -> None:
    with site.browser() as client:
        site.sign_in(client)
        text = CONFIG.format(issuer="https://other.example")
        site.session.config = loads(text, site.session.config.path)
        assert client.get("/").status_code == 401


# --- the config ------------------------------------------------------------------------------------


def test_begin_when_there_is_no_issuer_is_not_found(shown: Any) -> None:
    assert [shown.client.get(path).status_code for path in ("/oidc/begin", "/oidc/callback")] == [404, 404]


# --- what `damlink check` finds --------------------------------------------------------------------


def check(site: Site) -> Result:
    return CliRunner().invoke(
        _cli.root, ["check", "--config", str(site.session.config.path)], standalone_mode=False
    )


def test_check_when_the_issuer_answers_says_so(site: Site) -> None:
    result = check(site)
    assert result.return_value == 0
    assert "ok   console.oidc  issuer: " in result.stdout
    assert f"{site.issuer.url} answers, and its keys can be read" in result.stdout


OF_DOCUMENTS = {name: lie for name, lie in LIES.items() if name.startswith(("discovery-", "keys-"))}


@pytest.mark.parametrize(("lie", "cause"), OF_DOCUMENTS.values(), ids=list(OF_DOCUMENTS))
def test_check_when_a_document_of_the_issuer_cannot_be_used_fails(
    site: Site, lie: Callable[[FakeIssuer], None], cause: str
) -> None:
    lie(site.issuer)
    result = check(site)
    assert result.return_value == AuthError.exit_code
    assert result.stdout.count("\n") == 2
    assert "FAIL console.oidc  issuer: " in result.stdout
    assert re.search(cause, result.stdout), result.stdout
