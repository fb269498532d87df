"""Sign-in at a portal or a partner in the browser of the console, at the wire against the sandbox's."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
from canaries import KEY, canaries
from made_plugins import install_module

from damlink._config.load import load
from damlink._console.cookies import CONSENT_COOKIE, COOKIE
from damlink._console.server import Console
from damlink._http.oauth2 import OAuth2
from damlink._run.session import Session
from damlink._run.sign_in import open_sign_in
from damlink._secrets.passwords import hash_password
from damlink._serve.http_server import listen
from damlink._state.access import Access
from damlink._state.audit import Audit, Entry
from damlink._state.users import Role, Users
from damlink_sandbox import Sandbox
from damlink_sandbox.world import Fault

PUBLIC = "damlink.example"
RETURN, RESULT = "/sign-in/callback", "/sign-in/result"
TOKEN = "POST /v6/authentication/oauth2/token"
PLUGIN = """
import attrs
from damlink import *

about = About(title="Acme", summary="Pictures.", uploads=False)

@attrs.frozen
class settings_class:
    client_id: Secret = setting(help="The client, which is an API key too.")
    client_secret: Secret = setting(help="Its secret.")
    base: str = setting(help="Where people sign in.")

@hookimpl
def authenticate(ctx):
    given = ctx.settings
    return OAuth2(
        f"{given.base}/token",
        given.client_id.reveal(),
        given.client_secret,
        authorize_url=f"{given.base}/auth",
    )

@hookimpl
def list_source_assets(ctx):
    yield SourceAsset("1", "a", "One")

@hookimpl
def transform(source):
    return PreparedAsset(Content.from_bytes(b"a", "a.jpg"), "a")

@hookimpl
def push(source):
    return PushResult(source.source_id)
"""
CONFIG = """
[portals.brand]
url = "{portal}"
auth = "oauth2-code"
client_id = "{client_id}"
client_secret = {{ env = "CLIENT_SECRET" }}

[portals.other]
url = "{portal}"
token = {{ env = "CLIENT_SECRET" }}

[connectors.stock]
plugin = "consented"
portal = "other"
client_id = {{ env = "CLIENT_ID" }}
client_secret = {{ env = "CLIENT_SECRET" }}
base = "{portal}/v6/authentication/oauth2"
"""
PAGE = {"Accept": "text/html"}
TARGETS = {"portal": {"portal": "brand"}, "connector": {"connector": "stock"}}


@attrs.define
class Clock:
    """The present, and what a test adds to it."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@attrs.define
class Browser:
    """A browser that a person of one role uses; another site sends it here without its `strict` cookie."""

    site: Site
    session: str
    cookie: str = ""

    def send(self, method: str, path: str, *, strict: bool = True, **options: Any) -> httpx.Response:
        own = [f"{COOKIE}={self.session}"] if strict else []
        own += [f"{CONSENT_COOKIE}={self.cookie}"] if self.cookie else []
        headers = PAGE | {"Cookie": "; ".join(own), "Origin": self.site.url} | options.pop("headers", {})
        return httpx.request(method, f"{self.site.url}{path}", headers=headers, trust_env=False, **options)

    def begin(self, **target: str) -> httpx.Response:
        """Press the button; keep the cookie."""
        answer = self.send("POST", "/sign-in", data=target or TARGETS["portal"])
        if found := re.match(f"{CONSENT_COOKIE}=([^;]+); ", answer.headers.get("set-cookie", "")):
            self.cookie = found[1]
        return answer

    def agree(self, decision: str = "allow") -> httpx.URL:
        """Follow the link to the consent page, and press its button; return where it leads back to."""
        away = self.send("GET", "/sign-in/go")
        assert away.status_code == 303
        page = httpx.get(away.headers["location"], follow_redirects=True, headers=PAGE, trust_env=False)
        fields = {"login_challenge": page.url.params["login_challenge"], "decision": decision}
        back = httpx.post(page.url.copy_with(query=None), data=fields, trust_env=False)
        url = httpx.URL(back.headers["location"])
        assert str(url).startswith(f"{self.site.url}{RETURN}?")
        return url

    def come_back(self, url: httpx.URL, method: str = "GET") -> httpx.Response:
        """Arrive from the other site."""
        return self.send(method, url.raw_path.decode(), strict=False)

    def result(self) -> httpx.Response:
        """Look at what became of it; the redirect of another site brings no `strict` cookie either."""
        return self.send("GET", RESULT, strict=False)

    def said(self) -> str:
        """What the page of the result says: the problem, or its title."""
        page = self.result().text
        found = re.search('role="alert">(.*?)</p>', page, re.DOTALL) or re.search("<h1>(.*?)</h1>", page)
        assert found is not None
        return found[1]


@attrs.define
class Site:
    """A console over a portal and a partner at which people sign in."""

    session: Session
    console: Console
    sandbox: Sandbox
    clock: Clock
    url: str

    @property
    def portal(self) -> Any:
        return self.sandbox.part("bynder")

    @property
    def tokens(self) -> int:
        """How often the token endpoint was asked."""
        return int(self.sandbox.world.counts["portal POST /v6/authentication/oauth2/token"])

    def browser(self, role: Role = Role.ADMINISTRATOR) -> Browser:
        return Browser(self, Access(self.session.database).begin(role.value))

    def fail(self, **fault: Any) -> None:
        self.sandbox.world.faults.add(Fault("portal", TOKEN, **fault))

    def is_signed_in(self, connector: str = "") -> bool:
        auth = self.session.open_connector(connector).auth if connector else self.session.portal_auth("brand")
        assert isinstance(auth, OAuth2)
        return auth.custody.load() is not None

    def audit(self) -> list[Entry]:
        return Audit(self.session.database).latest(1000)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("consents")
    (folder / "world").mkdir()
    with pytest.MonkeyPatch.context() as patch, Sandbox([], folder=folder / "world") as sandbox:
        portal = sandbox.part("bynder")
        patch.setenv("DAMLINK_KEY", KEY)
        patch.setenv("DAMLINK_STATE_DIR", str(folder))
        patch.setenv("CLIENT_ID", portal.client_id)
        patch.setenv("CLIENT_SECRET", portal.client_secret)
        _install(folder / "site", patch)
        text = CONFIG.format(portal=sandbox.origins["portal"], client_id=portal.client_id)
        (folder / "damlink.toml").write_text(text)
        clock = Clock()
        with Session(load(folder / "damlink.toml"), now=clock) as session:
            for role in Role:
                Users(session.database).add(role.value, role, hash_password("correct horse battery"))
            yield from _serve(session, sandbox, clock)


def _install(site: Path, patch: pytest.MonkeyPatch) -> None:
    install_module(site, "consented", PLUGIN)
    patch.syspath_prepend(str(site))


def _serve(session: Session, sandbox: Sandbox, clock: Clock) -> Iterator[Site]:
    console = Console(session, on_listening=print)
    with listen("127.0.0.1", 0, backlog=8, place="", hint="") as bound:
        name = f"127.0.0.1:{bound.getsockname()[1]}"
        http = console.prepare({name: "http", PUBLIC: "https"})
        thread = threading.Thread(target=console.serve, args=(http, bound))
        thread.start()
        url = f"http://{name}"
        sandbox.part("bynder").control("tokens", {"redirects": [f"{url}{RETURN}"]})
        try:
            yield Site(session, console, sandbox, clock, url)
        finally:
            console.stop()
            thread.join(60)


@pytest.fixture
def site(running: Site) -> Iterator[Site]:
    """The console without a token, and without faults of earlier tests."""
    yield running
    running.clock.ahead = timedelta()
    running.sandbox.world.faults.clear()
    for name in running.session.credentials.names("token:"):
        running.session.credentials.remove(name)


# --- a person signs in -------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_person_when_agreeing_is_signed_in_and_the_code_leaves_the_address(
    site: Site, target: dict[str, str]
) -> None:
    browser = site.browser()
    page = browser.begin(**target)
    assert page.status_code == 200
    assert f"<code>{site.url}{RETURN}</code>" in page.text
    assert '<a href="/sign-in/go">Continue to 127.0.0.1</a>' in page.text
    answer = browser.come_back(browser.agree())
    assert (answer.status_code, answer.headers["location"], answer.text) == (303, RESULT, "")
    assert browser.said() == f"Signed in: {next(iter(target.values()))}"
    assert site.is_signed_in(target.get("connector", ""))
    on = browser.result().headers["refresh"].removeprefix("0; url=")
    assert f'href="{on}">Continue' in browser.result().text
    assert browser.send("GET", on).status_code == 200


def test_sign_in_when_done_is_in_the_log_with_who_began_it(site: Site) -> None:
    browser = site.browser()
    browser.begin()
    browser.come_back(browser.agree())
    done, begun = site.audit()[:2]
    assert (begun.user, begun.action, begun.subject) == ("administrator", "login begun", "brand")
    assert (done.user, done.action, done.subject) == ("administrator", "login", "brand")
    assert json.loads(done.details) == {}


@pytest.mark.parametrize(("role", "has_button"), [(Role.ADMINISTRATOR, True), (Role.VIEWER, False)])
def test_pages_when_a_person_has_to_sign_in_have_the_button_for_administrators(
    site: Site, role: Role, has_button: bool
) -> None:
    browser = site.browser(role)
    for path, query in (("/portals", "portal=brand"), ("/connector?connector=stock", "connector=stock")):
        page = browser.send("GET", path).text
        assert (f'action="/sign-in?{query}"' in page) is has_button
    assert f"<code>{site.url}{RETURN}</code>" in browser.send("GET", "/portals").text


def test_portals_when_signed_in_say_so(site: Site) -> None:
    browser = site.browser()
    assert '<strong class="bad">no</strong>' in browser.send("GET", "/portals").text
    browser.begin()
    browser.come_back(browser.agree())
    assert "it is renewed by itself" in browser.send("GET", "/portals").text


def test_wizard_when_a_new_portal_takes_a_person_lets_the_person_sign_in_before_anything_is_written(
    site: Site,
) -> None:
    browser, path = site.browser(), site.session.config.path
    before = path.read_bytes()
    at = browser.send(
        "POST", "/begin?plugin=consented", data={"title": "new", "new_portal": "fresh"}
    ).headers["location"]
    portal = site.sandbox.origins["portal"]
    at = _take(browser, at, url=portal, auth="oauth2-code")
    assert f"<code>{site.url}{RETURN}</code>" in browser.send("GET", at).text
    own = {"client_id": site.portal.client_id, "client_secret.new": site.portal.client_secret}
    at = _take(browser, at, **own)
    given = {"client_id": "env:CLIENT_ID", "client_secret": "env:CLIENT_SECRET"}
    at = _take(browser, at, **given, base=f"{portal}/v6/authentication/oauth2")
    draft = httpx.URL(at).params["id"]
    assert at.startswith("/draft?")
    for name, value in (("portal", "fresh"), ("connector", "new")):
        assert "a person has to sign in" in browser.send("GET", at).text
        begun = browser.begin(**{name: value, "draft": draft})
        assert begun.status_code == 200, begun.text
        browser.come_back(browser.agree())
        assert browser.said() == f"Signed in: {value}"
    assert path.read_bytes() == before
    page = browser.send("GET", at).text
    assert "a person has to sign in" not in page
    assert site.portal.client_secret not in page
    browser.send("POST", f"/try-draft?id={draft}", data={"button": ""})
    assert "<li>ok " in browser.send("GET", at).text
    assert "not ok" not in browser.send("GET", at).text
    browser.send("POST", f"/write-draft?id={draft}", data={"enabled": "no"})
    with Session(load(path), database=site.session.database) as written:
        assert all(
            each.auth.custody.load()
            for each in (open_sign_in(written, "fresh"), open_sign_in(written, "new"))
        )
    path.write_bytes(before)


def _take(browser: Browser, address: str, **form: str) -> str:
    """Answer the step at an address; return the next address."""
    fields = {f"set.{name}": text for name, text in form.items()}
    answer = browser.send("POST", address.replace("/setup", "/step"), data={"button": "", **fields})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


@pytest.mark.parametrize(
    ("host", "begin"),
    [("", f"{CONSENT_COOKIE}="), (PUBLIC, f"__Host-{CONSENT_COOKIE}=")],
    ids=["loopback", "tls"],
)
def test_cookie_when_a_sign_in_begins_is_kept_from_scripts_and_ends(
    site: Site, host: str, begin: str
) -> None:
    browser = site.browser()
    headers = {"Host": host, "Origin": f"https://{host}"} if host else {}
    headers |= {"Cookie": f"__Host-{COOKIE}={browser.session}"} if host else {}
    answer = browser.send("POST", "/sign-in", data=TARGETS["portal"], headers=headers)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(begin)
    assert "; HttpOnly; Max-Age=600; Path=/; SameSite=lax" in cookie
    assert cookie.endswith("; Secure") is bool(host)
    if host:
        assert f"<code>https://{host}{RETURN}</code>" in answer.text


def test_sign_in_when_begun_by_a_program_names_the_address_to_register_as_data(site: Site) -> None:
    answer = site.browser().send(
        "POST", "/sign-in", data=TARGETS["portal"], headers={"Accept": "application/json"}
    )
    assert answer.json()["redirect_url"] == f"{site.url}{RETURN}"


def test_sign_in_when_begun_again_in_a_browser_is_the_last_one(site: Site) -> None:
    browser = site.browser()
    browser.begin()
    first = browser.agree()
    browser.begin()
    browser.come_back(first)
    assert not site.is_signed_in()
    browser.come_back(browser.agree())
    assert site.is_signed_in()


def test_result_when_no_refresh_token_came_says_when_the_sign_in_ends(site: Site) -> None:
    body = json.dumps({"access_token": "short", "expires_in": 600})
    site.fail(status=200, body=body, headers={"content-type": "application/json"})
    browser = site.browser()
    browser.begin()
    browser.come_back(browser.agree())
    assert "the sign-in ends at " in browser.result().text
    assert "no refresh token came with it" in browser.result().text


# --- what is no sign-in ------------------------------------------------------------------------------


def changed(**query: str | None) -> Callable[[httpx.URL], httpx.URL]:
    """Change parameters of an answer; `None` leaves one out."""

    def change(url: httpx.URL) -> httpx.URL:
        params = dict(url.params) | query
        return url.copy_with(params={name: value for name, value in params.items() if value is not None})

    return change


def repeated(name: str) -> Callable[[httpx.URL], httpx.URL]:
    return lambda url: httpx.URL(f"{url}&{name}={url.params[name]}")


NO_ANSWERS = {
    "state-missing": changed(state=None),
    "state-empty": changed(state=""),
    "state-wrong": changed(state="x" * 43),
    "state-odd": changed(state="\0\ud7ff<"),
    "state-long": changed(state="x" * 8000),
    "state-repeated": repeated("state"),
    "code-repeated": repeated("code"),
    "nothing": lambda url: url.copy_with(query=None),
}


@pytest.mark.parametrize("change", NO_ANSWERS.values(), ids=list(NO_ANSWERS))
def test_answer_when_its_state_is_not_that_of_the_browser_does_nothing_and_uses_nothing_up(
    site: Site, change: Callable[[httpx.URL], httpx.URL]
) -> None:
    browser, asked = site.browser(), site.tokens
    browser.begin()
    url, before = browser.agree(), len(site.audit())
    answer = browser.come_back(change(url))
    assert (answer.status_code, answer.headers["location"]) == (303, RESULT)
    assert browser.result().status_code == 403
    assert (site.tokens, len(site.audit())) == (asked, before)
    browser.come_back(url)
    assert browser.said() == "Signed in: brand"


@pytest.mark.parametrize("cookie", ["", "x", "another"])
def test_answer_when_it_comes_by_another_browser_does_nothing(site: Site, cookie: str) -> None:
    browser, other = site.browser(), site.browser()
    browser.begin()
    url = browser.agree()
    if cookie == "another":
        other.begin()
    else:
        other.cookie = cookie
    asked = site.tokens
    other.come_back(url)
    assert other.result().status_code == 403
    assert (site.tokens, site.is_signed_in()) == (asked, False)
    browser.come_back(url)
    assert site.is_signed_in()


def test_answer_when_it_comes_again_is_not_redeemed_again(site: Site) -> None:
    browser, asked = site.browser(), site.tokens
    browser.begin()
    url = browser.agree()
    assert [browser.come_back(url).status_code for _ in range(3)] == [303] * 3
    assert site.tokens == asked + 1
    assert browser.said() == "Signed in: brand"


def test_answer_when_it_comes_twice_at_once_is_redeemed_once(site: Site) -> None:
    browser, asked = site.browser(), site.tokens
    browser.begin()
    url = browser.agree()
    threads = [threading.Thread(target=browser.come_back, args=(url,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert site.tokens == asked + 1
    assert site.is_signed_in()


@pytest.mark.parametrize(("minutes", "is_late"), [(9.9, False), (10, True), (60, True)])
def test_answer_when_it_comes_late_does_nothing(site: Site, minutes: float, is_late: bool) -> None:
    browser = site.browser()
    browser.begin()
    url = browser.agree()
    site.clock.ahead = timedelta(minutes=minutes)
    browser.come_back(url)
    assert site.is_signed_in() is not is_late
    assert (browser.result().status_code == 403) is is_late


def test_link_when_it_is_late_or_of_no_sign_in_leads_nowhere(site: Site) -> None:
    browser = site.browser()
    assert browser.send("GET", "/sign-in/go").status_code == 404
    browser.begin()
    site.clock.ahead = timedelta(minutes=10)
    assert browser.send("GET", "/sign-in/go").status_code == 404


def test_code_when_it_is_of_another_state_is_refused_by_the_other_side(site: Site) -> None:
    browser, other = site.browser(), site.browser()
    browser.begin()
    other.begin()
    url = changed(code=other.agree().params["code"])(browser.agree())
    browser.come_back(url)
    assert browser.result().status_code == 403
    assert "invalid_grant" in browser.said()
    assert not site.is_signed_in()


@pytest.mark.parametrize(("method", "status"), [("HEAD", 405), ("POST", 405), ("PUT", 405), ("DELETE", 405)])
def test_answer_when_it_is_no_get_does_nothing(site: Site, method: str, status: int) -> None:
    browser, asked = site.browser(), site.tokens
    browser.begin()
    url = browser.agree()
    assert browser.come_back(url, method).status_code == status
    assert site.tokens == asked
    browser.come_back(url)
    assert site.is_signed_in()


def test_answer_when_another_site_posts_it_is_refused(site: Site) -> None:
    browser = site.browser()
    browser.begin()
    path = browser.agree().raw_path.decode()
    assert browser.send("POST", path, headers={"Origin": "http://evil.example"}).status_code == 403
    assert not site.is_signed_in()


# --- refusals and errors -----------------------------------------------------------------------------


def test_person_when_denying_is_told_what_to_do(site: Site) -> None:
    browser = site.browser()
    browser.begin()
    browser.come_back(browser.agree("deny"))
    assert browser.result().status_code == 403
    assert browser.said() == "brand: consent was refused: access_denied; sign in again, and allow it"
    assert json.loads(site.audit()[0].details) == {"error": browser.said()}


REFUSALS = {
    "error-and-code": {"error": "access_denied"},
    "markup": {"error": "<script>alert(1)</script>", "code": None},
    "controls": {"error": "a\r\nb\x1b[31m\u202e", "code": None},
    "very-long": {"error": "x" * 5000, "code": None},
    "neither": {"code": None},
    "empty-code": {"code": ""},
    "empty-error": {"error": "", "code": None},
}


@pytest.mark.parametrize("query", REFUSALS.values(), ids=list(REFUSALS))
def test_answer_when_it_is_an_error_is_one_line_and_uses_the_sign_in_up(
    site: Site, query: dict[str, str | None]
) -> None:
    browser, asked = site.browser(), site.tokens
    browser.begin()
    url = browser.agree()
    browser.come_back(changed(**query)(url))
    said = browser.said()
    assert said.startswith("brand: consent was refused: ")
    assert said.endswith("; sign in again, and allow it")
    assert "\n" not in said
    assert len(said) < 250
    assert "<" not in said
    assert not {"\x1b", "\u202e", "\r"} & set(browser.result().text)
    browser.come_back(url)
    assert (site.tokens, site.is_signed_in()) == (asked, False)


GARBAGE = {
    "html": {"status": 200, "body": "<html><script>alert(1)</script>"},
    "nothing": {"status": 200, "body": ""},
    "null": {"status": 200, "body": "null"},
    "list": {"status": 200, "body": "[1]"},
    "no-token": {"status": 200, "body": '{"token_type": "bearer"}'},
    "number": {"status": 200, "body": '{"access_token": 7}'},
    "deep": {"status": 200, "body": "[" * 100_000},
    "refused": {"status": 400, "body": '{"error": "invalid_grant"}'},
    "another-client": {"status": 401, "body": '{"error": "invalid_client"}'},
    "echo": {"kind": "echo", "status": 400},
    "error": {"status": 503, "body": "busy", "times": 0},
    "cut": {"kind": "cut", "times": 0},
    "bomb": {"kind": "bomb"},
    "garbled": {"kind": "garble", "garbage": "not-utf8"},
}


@pytest.mark.parametrize("fault", GARBAGE.values(), ids=list(GARBAGE))
def test_token_endpoint_when_it_answers_garbage_is_one_line_and_no_token(
    site: Site, fault: dict[str, Any], hurried: None
) -> None:
    site.fail(**fault)
    browser = site.browser()
    browser.begin()
    url = browser.agree()
    assert browser.come_back(url).status_code == 303
    page = browser.result()
    assert page.status_code == 403, page.text
    assert "\n" not in browser.said()
    assert "<script>alert" not in page.text
    assert url.params["code"] not in page.text
    assert not site.is_signed_in()
    assert {"error"} == set(json.loads(site.audit()[0].details))


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"portal": "nobody"}, 409),
        ({"portal": "other"}, 409),
        ({"connector": "nobody"}, 409),
        ({"portal": "brand", "connector": "stock"}, 400),
        ({"portal": ""}, 400),
        ({"portal": "brand", "draft": "nothing"}, 409),
    ],
    ids=["unknown-portal", "permanent-token", "unknown-connector", "both", "neither", "unknown-draft"],
)
def test_sign_in_when_begun_wrongly_is_refused_without_a_cookie(
    site: Site, form: dict[str, str], status: int
) -> None:
    browser = site.browser()
    assert browser.begin(**form).status_code == status
    assert browser.cookie == ""


def test_config_when_it_breaks_meanwhile_is_named(site: Site) -> None:
    browser, path = site.browser(), site.session.config.path
    browser.begin()
    url, text = browser.agree(), path.read_text()
    path.write_text("[portals.brand")
    browser.come_back(url)
    path.write_text(text)
    assert "damlink.toml: not valid TOML" in browser.said()


# --- who may, and who sees what ----------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
@pytest.mark.parametrize(("method", "path"), [("POST", "/sign-in?portal=brand"), ("GET", "/sign-in/go")])
def test_route_when_it_is_of_no_administrator_is_refused(
    site: Site, role: Role, method: str, path: str
) -> None:
    browser = site.browser(role)
    answer = browser.send(method, path, data={"portal": "brand"} if method == "POST" else None)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


def test_link_when_the_session_is_anothers_role_leads_nowhere(site: Site) -> None:
    browser = site.browser()
    browser.begin()
    browser.session = site.browser(Role.VIEWER).session
    assert browser.send("GET", "/sign-in/go").status_code == 403


def test_answer_when_the_session_has_ended_meanwhile_is_refused(site: Site) -> None:
    browser, asked = site.browser(), site.tokens
    browser.begin()
    url = browser.agree()
    browser.send("POST", "/leave")
    browser.come_back(url)
    assert "the session that began this sign-in has ended" in browser.said()
    assert (site.tokens, site.is_signed_in()) == (asked, False)


def test_answer_when_the_role_has_changed_meanwhile_is_refused(site: Site) -> None:
    users = Users(site.session.database)
    users.add("eve", Role.ADMINISTRATOR, None)
    browser = Browser(site, Access(site.session.database).begin("eve"))
    browser.begin()
    url = browser.agree()
    users.change("eve", {"role": "operator"})
    browser.come_back(url)
    users.remove("eve")
    assert not site.is_signed_in()


def test_result_when_another_browser_asks_for_it_is_not_shown(site: Site) -> None:
    browser, other = site.browser(), site.browser()
    browser.begin()
    browser.come_back(browser.agree())
    assert (browser.result().status_code, other.result().status_code) == (200, 403)
    assert "brand" not in other.result().text


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
@pytest.mark.parametrize("fault", [{}, {"kind": "echo", "status": 400}], ids=["redeemed", "echoed"])
def test_code_when_it_has_come_is_in_no_log_page_audit_or_file(
    site: Site, caplog: pytest.LogCaptureFixture, target: dict[str, str], fault: dict[str, Any]
) -> None:
    # Not those of `httpx`: here they tell of the test's own requests as well.
    for name in ("damlink", "uvicorn", "starlette"):
        caplog.set_level(logging.DEBUG, name)
    if fault:
        site.fail(**fault)
    browser = site.browser()
    pages = [browser.begin(**target)]
    url = browser.agree()
    pages += [browser.come_back(url), browser.result(), browser.send("GET", "/activity")]
    pages += [browser.send("GET", "/portals"), browser.send("GET", "/connector?connector=stock")]
    secret = (url.params["code"], url.params["state"], browser.cookie)
    # The client id of the partner is its API key.
    secret += (site.portal.client_id,) if target == TARGETS["connector"] else ()
    texts = [page.text for page in pages] + [str(each) for each in site.audit()[:2]]
    texts += [each.getMessage() for each in caplog.records]
    assert [text for text in texts for each in secret if each in text] == []
    for text in texts:
        canaries.look("what Damlink says of a sign-in", text)
    folder = site.session.config.folder
    stored = b"".join(path.read_bytes() for path in folder.glob("*.db*") if path.is_file())
    assert [each for each in secret[:3] if each.encode() in stored] == []


def test_answer_when_it_leads_away_names_nothing_to_other_sites(site: Site) -> None:
    browser = site.browser()
    page = browser.begin()
    away = browser.send("GET", "/sign-in/go")
    back = browser.come_back(browser.agree())
    for answer in (page, away, back, browser.result()):
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert "form-action 'self'; " in answer.headers["content-security-policy"]
