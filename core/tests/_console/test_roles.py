"""Every address of the console by every role: what is not meant for a role is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from console_addresses import ADDRESSES

from damlink._config.load import loads
from damlink._console.app import make_app
from damlink._console.cookies import COOKIE
from damlink._console.roles import OPEN_PATHS, least_role
from damlink._console.sessions import Sessions
from damlink._run.session import Session
from damlink._secrets.passwords import hash_password
from damlink._state.access import Access
from damlink._state.audit import Audit
from damlink._state.users import Role, Users

PASSWORD = "correct horse battery"
VIEWERS = {
    "/",
    "/connectors",
    "/connector",
    "/assets",
    "/asset",
    "/runs",
    "/plans",
    "/plan",
    "/plugins",
    "/portals",
    "/events",
    "/event",
    "/activity",
    "/export",
    "/live",
    "/preview",
}
OPERATORS = {"/retry", "/settle", "/bulk", "/replay", "/run", "/stop", "/make-plan", "/approve"}
UNOPENED = Session(loads("", Path("damlink.toml")))
ROUTES = [
    (method, route.path)
    for route in make_app(UNOPENED, Sessions(UNOPENED)).routes
    for method in sorted(route.methods - {"HEAD"})
    if route.path not in OPEN_PATHS
]


WAY = re.compile(r'(method="post" action|method="get" action|href)="(/[^"?]*)')
SEEN = [
    (address, role)
    for path, address in {**ADDRESSES, "a rejected one": "/asset?connector=stock&id=id-001"}.items()
    for role in Role
    if role.includes(least_role("GET", path))
]


def expected(method: str, path: str) -> Role:
    """Who may, by the lists of this test."""
    if path in OPEN_PATHS or path in ("/leave", "/password") or (method == "GET" and path in VIEWERS):
        return Role.VIEWER
    return Role.OPERATOR if path in OPERATORS else Role.ADMINISTRATOR


@pytest.fixture(scope="module")
def people(shown: Any) -> Iterator[dict[Role, str]]:
    """One user of each role."""
    users, stored = Users(shown.session.database), hash_password(PASSWORD)
    for role in Role:
        users.add(role.value, role, stored)
    yield {role: role.value for role in Role}
    for role in Role:
        users.remove(role.value)


@pytest.fixture
def sent(shown: Any, people: dict[Role, str]) -> Iterator[Callable[..., httpx.Response]]:
    """Send a request with the session, or the token, of a user of a role."""
    access = Access(shown.session.database)
    with httpx.Client(base_url=shown.url, trust_env=False) as client:

        def send(role: Role, method: str, path: str, *, token: bool = False) -> httpx.Response:
            if token:
                secret = access.make_token(people[role], "test", timedelta(days=1))
                return client.request(method, path, headers={"Authorization": f"Bearer {secret}"})
            headers = {"Cookie": f"{COOKIE}={access.begin(people[role])}", "Origin": shown.url}
            return client.request(method, path, headers=headers)

        yield send


@pytest.fixture(scope="module")
def seen(shown: Any, people: dict[Role, str]) -> Iterator[dict[tuple[str, Role], set[tuple[str, str]]]]:
    """The forms and links of each page, as a user of each role sees it while a job runs."""
    shown.console.jobs.start("stock", "console", "--no-browser", "--listen", "127.0.0.1:0")
    access = Access(shown.session.database)
    with httpx.Client(base_url=shown.url, trust_env=False, headers={"Accept": "text/html"}) as client:
        cookies = {role: f"{COOKIE}={access.begin(people[role])}" for role in Role}
        yield {
            (address, role): _find_ways(client.get(address, headers={"Cookie": cookies[role]}).text)
            for address, role in SEEN
        }
    shown.console.jobs.stop("stock")


def _find_ways(page: str) -> set[tuple[str, str]]:
    """Return method and path of each form and link."""
    assert "Signed in: " in page
    return {("POST" if "post" in kind else "GET", path) for kind, path in WAY.findall(page)}


@pytest.mark.parametrize(("address", "role"), SEEN)
def test_page_when_a_role_sees_it_shows_exactly_what_the_role_may(
    seen: Any, address: str, role: Role
) -> None:
    every = seen[address, Role.ADMINISTRATOR]
    assert seen[address, role] == {way for way in every if role.includes(expected(*way))}


def test_pages_when_looked_through_have_every_form(seen: Any) -> None:
    forms = {path for ways in seen.values() for method, path in ways if method == "POST"}
    # They stand only where somebody else has changed the config, and where a person's consent is wanted.
    assert forms | {"/rebase-draft", "/sign-in"} == {path for method, path in ROUTES if method == "POST"}


@pytest.mark.parametrize("token", [False, True], ids=["session", "token"])
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_route_when_a_role_sends_it_is_answered_to_whom_it_is_meant_for(
    sent: Any, method: str, path: str, role: Role, token: bool
) -> None:
    answer = sent(role, method, path, token=token)
    assert (answer.status_code == 403) is not role.includes(expected(method, path)), answer.text


def test_form_when_it_is_in_no_list_is_an_administrators() -> None:
    assert least_role("POST", "/something-new") is Role.ADMINISTRATOR


@pytest.mark.parametrize("authorization", ["Bearer x", "Basic YTpi", "Bearer", ""])
def test_token_when_wrong_is_not_made_good_by_a_cookie(shown: Any, authorization: str) -> None:
    assert shown.client.get("/", headers={"Authorization": authorization}).status_code == 401


def test_token_when_a_browser_of_another_site_sends_it_is_refused(shown: Any, people: Any) -> None:
    token = Access(shown.session.database).make_token(people[Role.ADMINISTRATOR], "test", None)
    headers = {"Authorization": f"Bearer {token}", "Origin": "http://evil.example"}
    with httpx.Client(base_url=shown.url, trust_env=False) as client:
        assert client.post("/retry", headers=headers, data={"connector": "stock"}).status_code == 403


def test_login_when_the_password_is_right_begins_a_new_session(shown: Any, people: Any) -> None:
    planted = Access(shown.session.database).begin(people[Role.VIEWER])
    with httpx.Client(base_url=shown.url, trust_env=False, cookies={COOKIE: planted}) as client:
        form = {"name": people[Role.OPERATOR], "password": PASSWORD}
        answer = client.post("/login", data=form, headers={"Origin": shown.url})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "HttpOnly; Path=/; SameSite=strict" in answer.headers["set-cookie"]
        assert client.get("/").text.count("Signed in: operator") == 1
    assert shown.console.sessions.admit(planted) is None


def test_login_when_the_password_is_wrong_says_nothing_about_the_name(shown: Any, people: Any) -> None:
    given = [{"name": name, "password": "wrong"} for name in (people[Role.VIEWER], "nobody")]
    with httpx.Client(base_url=shown.url, trust_env=False) as client:
        known, unknown = (client.post("/login", data=form, headers={"Origin": shown.url}) for form in given)
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text) == (401, known.text)


def test_page_when_signed_out_asks_to_sign_in(shown: Any, people: Any) -> None:
    answer = httpx.get(f"{shown.url}/", headers={"Accept": "text/html"}, trust_env=False)
    assert answer.status_code == 401
    assert 'name="password"' in answer.text
    assert "stock" not in answer.text


def test_act_when_done_is_noted_with_its_user_and_shown(shown: Any, people: Any) -> None:
    form = {"connector": "stock", "secret": "not-for-the-log"}
    token = Access(shown.session.database).make_token(people[Role.OPERATOR], "test", None)
    httpx.post(f"{shown.url}/stop", data=form, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    (entry,) = Audit(shown.session.database).latest(1)
    assert (entry.user, entry.action, entry.subject) == ("operator", "stop", "stock")
    assert entry.details == '{"secret": "(not noted)"}'
    assert shown.json("/activity")["entries"][0]["user"] == "operator"
