"""Sign-in at a portal and at a partner by the browser of an administrator, at the wire."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import Any

import attrs
import httpx
import pytest
from canaries import KEY, canaries
from scripted_server import Server

from damlink._config.load import load, loads
from damlink._console.cookies import CONSENT_COOKIE
from damlink._console.server import Console
from damlink._run.session import Session
from damlink._run.sign_in import open_sign_in
from damlink._state.access import Access
from damlink._state.audit import Audit
from damlink._state.users import Role, Users
from damlink_sandbox import Sandbox

PORTAL = """
[portals.brand]
url = "{url}"
auth = "oauth2-code"
client_id = "{id}"
client_secret = {{ env = "CLIENT_SECRET" }}
{more}
"""
# Its partner is the portal's own server: the plugin asks for consent wherever its settings say.
STOCK = """
[connectors.stock]
plugin = "istock"
sync_after = 2026-01-01
api_key = {{ env = "CLIENT_ID" }}
api_secret = {{ env = "CLIENT_SECRET" }}
authorize_url = "{url}/v6/authentication/oauth2/auth"
token_url = "{url}/v6/authentication/oauth2/token"
"""
PAGE = {"Accept": "text/html"}


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.moment

    def pass_by(self, **span: float) -> None:
        self.moment += timedelta(**span)


@attrs.define
class Site:
    """A console and the portal that it signs in at."""

    session: Session
    sandbox: Sandbox
    clock: Clock
    url: str

    @contextlib.contextmanager
    def browser(self, role: Role = Role.ADMINISTRATOR) -> Iterator[httpx.Client]:
        """The browser of a user with this role."""
        name = f"a-{role}"
        with contextlib.suppress(Exception):
            Users(self.session.database).add(name, role, None)
        with httpx.Client(base_url=self.url, trust_env=False, headers=PAGE) as client:
            link = Access(self.session.database).make_link(name)
            assert client.get("/enter", params={"link": link}).status_code == 303
            yield client

    def begin(self, client: httpx.Client, name: str = "brand", **more: str) -> httpx.Response:
        return client.post("/sign-in", data={"name": name, **more}, headers={"Origin": self.url})

    def consent(self, client: httpx.Client, name: str = "brand", **more: str) -> httpx.URL:
        """Begin, and let the person agree at the other side; return the address that leads back."""
        shown = self.begin(client, name, **more)
        assert shown.status_code == 200, shown.text
        found = re.search(r'href="([^"]+)" rel="noreferrer"', shown.text)
        assert found
        # Another site: it knows no cookie of the console's, and agrees at once to a program.
        with httpx.Client(trust_env=False) as person:
            answer = person.get(found[1].replace("&amp;", "&"))
            while "/sign-in/callback" not in answer.headers.get("location", ""):
                answer = person.get(answer.url.join(answer.headers["location"]))
            return httpx.URL(answer.headers["location"])

    def has_token(self, name: str = "brand") -> bool:
        with Session(load(self.session.config.path), database=self.session.database) as fresh:
            return open_sign_in(fresh, name).auth.custody.load() is not None


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([]) as running:
        yield running


@pytest.fixture
def site(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    yield from run_site(sandbox, tmp_path, monkeypatch, "")


def run_site(sandbox: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch, more: str) -> Iterator[Site]:
    portal: Any = sandbox.part("bynder")
    for name, value in {
        "DAMLINK_KEY": KEY,
        "DAMLINK_STATE_DIR": str(folder),
        "CLIENT_ID": portal.client_id,
        "CLIENT_SECRET": portal.client_secret,
    }.items():
        monkeypatch.setenv(name, value)
    url = sandbox.origins["portal"]
    text = PORTAL.format(url=url, id=portal.client_id, more=more) + STOCK.format(url=url)
    (folder / "damlink.toml").write_text(text)
    addresses: Queue[str] = Queue()
    clock = Clock()
    with Session(loads(text, folder / "damlink.toml"), now=clock) as session:
        console = Console(session, on_listening=addresses.put)
        thread = threading.Thread(target=console.run, args=("127.0.0.1", 0))
        thread.start()
        try:
            origin = f"http://{httpx.URL(addresses.get(timeout=60)).netloc.decode()}"
            portal.control("tokens", {"redirects": [f"{origin}/sign-in/callback"]})
            yield Site(session, sandbox, clock, origin)
        finally:
            console.stop()
            thread.join(60)


def entries(site: Site) -> list[tuple[str, str]]:
    found = Audit(site.session.database).latest(20)
    return [(each.user, each.subject) for each in found if each.action == "login"]


@pytest.mark.parametrize(("name", "behind"), [("brand", "/portals"), ("stock", "/connector?connector=stock")])
def test_administrator_when_the_other_side_agrees_is_signed_in_and_led_on(
    site: Site, caplog: pytest.LogCaptureFixture, name: str, behind: str
) -> None:
    caplog.set_level(logging.DEBUG, logger="damlink")
    with site.browser() as client:
        address = site.consent(client, name)
        answer = client.get(address)
    assert answer.status_code == 200, answer.text
    assert site.has_token(name)
    assert entries(site) == [("a-administrator", name)]
    code = address.params["code"]
    said = " ".join(each.getMessage() for each in caplog.records if each.name.startswith("damlink"))
    assert code not in answer.text + said + str(Audit(site.session.database).latest(20))
    assert f'href="{behind}"' in answer.text or answer.headers["refresh"] == f"0; url={behind}"
    canaries.look("the page after a sign-in", answer.text)


def test_page_when_a_sign_in_begins_names_the_address_to_register(site: Site) -> None:
    with site.browser() as client:
        shown = site.begin(client)
        assert f"<code>{site.url}/sign-in/callback</code>" in shown.text
        assert "form-action 'self'" in shown.headers["content-security-policy"]
        cookie = next(each for each in client.cookies.jar if each.name == CONSENT_COOKIE)
        raw = shown.headers["set-cookie"]
        assert ("HttpOnly" in raw, "SameSite=lax" in raw, cookie.expires is not None) == (True, True, True)
        as_data = client.post(
            "/sign-in", data={"name": "brand"}, headers={"Origin": site.url, "Accept": "application/json"}
        )
        assert as_data.json()["redirect_url"] == f"{site.url}/sign-in/callback"


@pytest.mark.parametrize("role", Role)
def test_pages_when_a_person_has_to_sign_in_have_the_form_for_administrators(site: Site, role: Role) -> None:
    with site.browser(role) as client:
        portals, settings = client.get("/portals"), client.get("/edit?connector=stock")
    is_administrator = role is Role.ADMINISTRATOR
    assert ('action="/sign-in?name=brand"' in portals.text) is is_administrator
    assert ("damlink login brand" in portals.text) is not is_administrator
    assert ('action="/sign-in?name=stock"' in settings.text) is is_administrator


def change(address: httpx.URL, **query: str) -> httpx.URL:
    return address.copy_merge_params(query)


LIES: dict[str, Callable[[Site, httpx.Client, httpx.URL], httpx.Response]] = {
    "without a state": lambda site, client, address: client.get(address.copy_remove_param("state")),
    "with another state": lambda site, client, address: client.get(change(address, state="x" * 32)),
    "with an empty state": lambda site, client, address: client.get(change(address, state="")),
    "with two states": lambda site, client, address: client.get(address.copy_add_param("state", "x")),
    "of another browser": lambda site, client, address: httpx.get(address, trust_env=False, headers=PAGE),
    "of another attempt": lambda site, client, address: begin_again(site, client, address),
    "too late": lambda site, client, address: later(site, client, address),
    "used": lambda site, client, address: twice(client, address),
    "with another code": lambda site, client, address: client.get(change(address, code="f" * 32)),
    "with an empty code": lambda site, client, address: client.get(change(address, code="")),
    "refused": lambda site, client, address: client.get(
        change(address.copy_remove_param("code"), error="access_denied")
    ),
    "refused with markup": lambda site, client, address: client.get(
        change(address.copy_remove_param("code"), error="<script>alert(1)</script>\x1b[2J")
    ),
    "with a long reason": lambda site, client, address: client.get(
        change(address.copy_remove_param("code"), error="e" * 5000)
    ),
}


def begin_again(site: Site, client: httpx.Client, address: httpx.URL) -> httpx.Response:
    site.begin(client)
    return client.get(address)


def later(site: Site, client: httpx.Client, address: httpx.URL) -> httpx.Response:
    site.clock.pass_by(minutes=10)
    return client.get(address)


def twice(client: httpx.Client, address: httpx.URL) -> httpx.Response:
    kept = dict(client.cookies)
    assert client.get(address).status_code == 200
    return client.get(address, headers={"Cookie": "; ".join(f"{key}={value}" for key, value in kept.items())})


@pytest.mark.parametrize("lie", LIES)
def test_answer_when_it_is_a_lie_is_refused_with_one_line(
    site: Site, caplog: pytest.LogCaptureFixture, lie: str
) -> None:
    with site.browser() as client:
        address = site.consent(client)
        answer = LIES[lie](site, client, address)
    assert answer.status_code == 403, answer.text
    said = [each.getMessage() for each in caplog.records if each.name == "damlink.console"]
    assert len(said) == 1
    assert len(said[0]) < 500
    assert said[0].isprintable()
    assert address.params["code"] not in answer.text + caplog.text
    assert "<script>" not in answer.text
    assert site.has_token() is (lie == "used")
    assert len(entries(site)) == (lie == "used")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_sign_in_when_begun_by_a_lesser_role_is_refused(site: Site, role: Role) -> None:
    with site.browser(role) as client:
        assert site.begin(client).status_code == 403


def test_sign_in_when_begun_from_another_site_is_refused(site: Site) -> None:
    with site.browser() as client:
        answer = client.post("/sign-in", data={"name": "brand"}, headers={"Origin": "http://evil.example"})
        assert answer.status_code == 403
        assert client.get("/sign-in", params={"name": "brand"}).status_code == 405


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
def test_answer_when_it_comes_by_another_method_uses_nothing_up(site: Site, method: str) -> None:
    with site.browser() as client:
        address = site.consent(client)
        assert client.request(method, address, headers={"Origin": site.url}).status_code in (403, 405)
        assert client.get(address).status_code == 200


@pytest.mark.parametrize(
    ("name", "status", "why"),
    [("nothing", 409, "no portal or connector"), ("", 409, "no portal or connector")],
)
def test_sign_in_when_there_is_none_of_the_name_says_so(site: Site, name: str, status: int, why: str) -> None:
    with site.browser() as client:
        answer = site.begin(client, name)
        assert (answer.status_code, why in answer.text) == (status, True)


GARBAGE = {
    "HTML": (200, b"<html>"),
    "nothing": (200, b""),
    "no token": (200, b"{}"),
    "a number": (200, b'{"access_token": 7}'),
    "a list": (200, b"[]"),
    "refused": (400, b'{"error": "invalid_grant", "error_description": "<script>"}'),
    "an error": (500, b"<script>alert(1)</script>"),
    "elsewhere": (302, b""),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_sign_in_when_the_token_endpoint_answers_garbage_stores_nothing(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server, kind: str
) -> None:
    status, body = GARBAGE[kind]
    server.always(status, body)
    for site in run_site(sandbox, tmp_path, monkeypatch, f'token_url = "{server.url}/token"'):
        with site.browser() as client:
            answer = client.get(site.consent(client))
        assert answer.status_code == 403, answer.text
        assert "<script>" not in answer.text
        assert not site.has_token()
        assert entries(site) == []


def test_new_portal_when_signed_in_before_it_is_written_is_signed_in_afterwards(site: Site) -> None:
    portal: Any = site.sandbox.part("bynder")
    with site.browser() as client:
        at = _post(site, client, "/begin?plugin=folder", title="Drop", new_portal="second")
        number = at.params["id"]
        steps = [
            {"url": site.sandbox.origins["portal"], "auth": "oauth2-code"},
            {"client_id": portal.client_id, "client_secret.new": portal.client_secret},
            {"address": str(site.session.config.path.parent)},
        ]
        for step in steps:
            at = _take_step(site, client, at, **step)
        while at.path == "/setup":
            at = _take_step(site, client, at)
        assert "Sign in at second" in client.get(at).text
        answer = client.get(site.consent(client, "second", draft=number))
        assert answer.headers["refresh"] == f"0; url=/draft?id={number}"
        _post(site, client, "/write-draft", id=number, enabled="no")
    assert site.has_token("second")
    assert entries(site) == [("a-administrator", "second")]


def _take_step(site: Site, client: httpx.Client, at: httpx.URL, **fields: str) -> httpx.URL:
    return _post(site, client, f"/step?{at.query.decode()}", **{f"set.{key}": fields[key] for key in fields})


def _post(site: Site, client: httpx.Client, path: str, **form: str) -> httpx.URL:
    """Send a form that is accepted; return the address that it leads to."""
    answer = client.post(path, data={"button": "", **form}, headers={"Origin": site.url})
    assert answer.status_code == 303, answer.text
    return httpx.URL(answer.headers["location"])
