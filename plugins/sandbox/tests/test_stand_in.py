"""The building blocks of a partner's stand-in, asked as a plain client would ask."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from damlink_sandbox import (
    Call,
    Key,
    NoCredentials,
    OAuthServer,
    RateLimit,
    Sandbox,
    StandIn,
    Synthetic,
    TokenServer,
    UserPassword,
    cursor_page,
    linked_page,
    numbered_page,
    offset_page,
    refuse,
    route,
    send_file,
)
from damlink_sandbox.mark import SECRET_MARK

ROWS = [{"id": number} for number in range(5)]


class Larkspur(StandIn):
    name = "larkspur"

    @route("GET /numbered")
    def numbered(self, call: Call) -> Any:
        return numbered_page(call.query, ROWS, size=2)

    @route("GET /offset")
    def offset(self, call: Call) -> Any:
        return offset_page(call.query, ROWS, size=2)

    @route("GET /cursor")
    def cursor(self, call: Call) -> Any:
        rows, following = cursor_page(call.query, ROWS, size=2)
        return {"data": rows, "next": following}

    @route("GET /linked")
    def linked(self, call: Call) -> Any:
        return linked_page(call.url, call.query, ROWS, size=2)

    @route("GET /files/{number}")
    def file(self, call: Call) -> Any:
        return send_file(call.method, call.headers, self.media[int(call.params["number"])])

    @route("GET /missing")
    def missing(self, call: Call) -> Any:
        raise refuse(404, "no such picture", id="7")

    @route("POST /echo")
    def echo(self, call: Call) -> Any:
        files = {name: file.file.read().decode() for name, file in call.files.items()}
        return {"fields": call.fields, "files": files}

    @route("GET /status", open=True)
    def status(self, call: Call) -> Any:
        return {"up": True}


@contextlib.contextmanager
def served(**attributes: Any) -> Iterator[tuple[Larkspur, httpx.Client]]:
    kind = type("Special", (Larkspur,), attributes)
    with contextlib.ExitStack() as opened:
        sandbox = opened.enter_context(Sandbox([kind], media=[Synthetic("a.jpg", 1000, "image")]))
        client = httpx.Client(base_url=sandbox.origins["larkspur"], trust_env=False)
        yield sandbox.part("larkspur"), opened.enter_context(client)  # type: ignore[misc]


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with served() as (_, client):
        yield client


def by_number(http: httpx.Client) -> Iterator[list[Any]]:
    pages = (http.get("/numbered", params={"page": number}).json() for number in range(1, 9))
    yield from iter(lambda: next(pages), [])


def by_offset(http: httpx.Client) -> Iterator[list[Any]]:
    pages = (http.get("/offset", params={"offset": begin, "limit": 100}).json() for begin in range(0, 9, 2))
    yield from iter(lambda: next(pages), [])


def by_cursor(http: httpx.Client) -> Iterator[list[Any]]:
    cursor: str | None = ""
    while cursor is not None:
        answer = http.get("/cursor", params={"cursor": cursor}).json()
        yield answer["data"]
        cursor = answer["next"]


def by_link(http: httpx.Client) -> Iterator[list[Any]]:
    url: str | None = "/linked"
    while url:
        answer = http.get(url)
        yield answer.json()
        url = answer.links.get("next", {}).get("url")


@pytest.mark.parametrize("walk", [by_number, by_offset, by_cursor, by_link])
def test_pages_when_walked_hold_every_row_once(http: httpx.Client, walk: Callable[..., Any]) -> None:
    pages = list(walk(http))
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [row for page in pages for row in page] == ROWS


@pytest.mark.parametrize(
    "url",
    ["/numbered?page=x", "/numbered?page=0", "/offset?offset=-1", "/offset?limit=0", "/cursor?cursor=%"],
)
def test_pages_when_a_parameter_is_wrong_are_refused(http: httpx.Client, url: str) -> None:
    assert http.get(url).status_code == 400


@pytest.mark.parametrize(
    ("asked", "status", "length"),
    [
        ("", 200, 1000),
        ("bytes=990-", 206, 10),
        ("bytes=0-4", 206, 5),
        ("bytes=-3", 206, 3),
        ("bytes=1000-", 416, 0),
    ],
)
def test_file_when_a_range_is_asked_for_is_cut(
    http: httpx.Client, asked: str, status: int, length: int
) -> None:
    whole = http.get("/files/0").content
    answer = http.get("/files/0", headers={"Range": asked} if asked else {})
    assert (answer.status_code, len(answer.content), answer.content in whole) == (status, length, True)


def test_file_when_it_has_changed_since_is_sent_whole(http: httpx.Client) -> None:
    headers = {"Range": "bytes=990-", "If-Range": '"another"'}
    assert len(http.get("/files/0", headers=headers).content) == 1000


def test_refusal_when_raised_is_the_answer(http: httpx.Client) -> None:
    answer = http.get("/missing")
    assert (answer.status_code, answer.json()) == (404, {"error": "no such picture", "id": "7"})


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"json": {"a": "b"}}, {"fields": {"a": "b"}, "files": {}}),
        ({"data": {"a": "b"}}, {"fields": {"a": "b"}, "files": {}}),
        ({"data": {"a": "b"}, "files": {"f": ("x", b"y")}}, {"fields": {"a": "b"}, "files": {"f": "y"}}),
        ({"content": b"[no"}, {"fields": {}, "files": {}}),
    ],
    ids=["json", "form", "multipart", "no JSON"],
)
def test_call_when_it_has_a_body_has_its_fields(http: httpx.Client, sent: Any, expected: Any) -> None:
    assert http.post("/echo", **sent).json() == expected


SECRET = f"sandbox-key-{SECRET_MARK}"
BASIC = ("sandbox-user", f"sandbox-password-{SECRET_MARK}")


@pytest.mark.parametrize(
    ("credentials", "shown"),
    [
        (NoCredentials(), {}),
        (Key("X-Key"), {"headers": {"X-Key": SECRET}}),
        (Key(prefix="Bearer ", setting="token"), {"headers": {"Authorization": f"Bearer {SECRET}"}}),
        (Key("key", place="query"), {"params": {"key": SECRET}}),
        (Key("key", place="cookie"), {"headers": {"Cookie": f"a=b; key={SECRET}"}}),
        (UserPassword(), {"auth": BASIC}),
    ],
    ids=["none", "header", "bearer", "query", "cookie", "basic"],
)
def test_credentials_when_shown_are_accepted_until_they_are_revoked(credentials: Any, shown: Any) -> None:
    with served(credentials=credentials) as (part, http):
        accepted = http.get("/numbered", **shown).status_code
        part.control("revoke", {})
        refused = http.get("/numbered", **shown).status_code
        still_open = http.get("/status").status_code
    assert (accepted, refused, still_open) == (200, 401, 200)


@pytest.mark.parametrize(
    "credentials", [Key("X-Key"), Key("k", place="query"), UserPassword(), OAuthServer(), TokenServer()]
)
def test_credentials_when_missing_are_a_401(credentials: Any) -> None:
    with served(credentials=credentials) as (part, http):
        assert http.get("/numbered").status_code == 401
        assert set(part.secrets()) <= part.connector().keys()


@pytest.mark.parametrize(
    ("server", "grant"),
    [
        (OAuthServer(), {"grant_type": "client_credentials"}),
        (
            OAuthServer(username="u"),
            {"grant_type": "password", "username": "u", "password": OAuthServer().password},
        ),
        (OAuthServer(refresh_token="r"), {"grant_type": "refresh_token", "refresh_token": "r"}),
    ],
    ids=["client", "password", "refresh"],
)
def test_token_when_granted_serves_until_it_ends(server: OAuthServer, grant: dict[str, str]) -> None:
    with served(credentials=server) as (part, http):
        client = {"client_id": server.client_id, "client_secret": server.client_secret}
        token = http.post(server.path, data=client | grant).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        fresh = http.get("/numbered", headers=headers).status_code
        part.world.clock.advance(server.lifetime + 1)
        assert (fresh, http.get("/numbered", headers=headers).status_code) == (200, 401)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"client_id": "x"}, (401, "invalid_client")),
        ({"grant_type": "password", "username": "x"}, (400, "invalid_grant")),
        ({"grant_type": "refresh_token", "refresh_token": ""}, (400, "invalid_grant")),
        ({"grant_type": "magic"}, (400, "unsupported_grant_type")),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_token_when_wrongly_asked_for_is_refused(form: dict[str, str], expected: Any) -> None:
    server = OAuthServer()
    with served(credentials=server) as (_, http):
        client = {"client_id": server.client_id, "client_secret": server.client_secret}
        answer = http.post(server.path, data=client | form)
    assert (answer.status_code, answer.json()["error"]) == expected


def test_refresh_token_when_it_rotates_serves_once() -> None:
    server = OAuthServer(refresh_token="first", rotates=True)
    form = {"client_id": server.client_id, "client_secret": server.client_secret}
    form |= {"grant_type": "refresh_token", "refresh_token": "first"}
    with served(credentials=server) as (part, http):
        second = http.post(server.path, data=form).json()["refresh_token"]
        again = http.post(server.path, data=form).status_code
        assert (again, part.connector()["refresh_token"]) == (400, second)


def login_of(server: TokenServer) -> dict[str, str]:
    return dict(zip(server.fields, (server.client_id, server.client_secret), strict=True))


@pytest.mark.parametrize(
    "server",
    [
        TokenServer(),
        TokenServer(
            "/login", fields=("id", "key"), answers=("session", "ttl"), header="X-Session", prefix=""
        ),
    ],
    ids=["bearer", "own header"],
)
@pytest.mark.parametrize("form", ["json", "data"])
def test_login_when_right_gives_a_token_that_serves_until_it_ends(server: TokenServer, form: str) -> None:
    with served(credentials=server) as (part, http):
        arguments: dict[str, Any] = {form: login_of(server)}
        answer = http.post(server.path, **arguments).json()
        token, seconds = (answer[name] for name in server.answers)
        headers = {server.header: f"{server.prefix}{token}"}
        fresh = http.get("/numbered", headers=headers).status_code
        part.world.clock.advance(seconds + 1)
        assert (fresh, http.get("/numbered", headers=headers).status_code) == (200, 401)


@pytest.mark.parametrize("is_single", [False, True])
def test_login_when_repeated_ends_the_token_before_if_there_is_one_at_a_time(is_single: bool) -> None:
    server = TokenServer(is_single=is_single)
    with served(credentials=server) as (_, http):
        tokens = [http.post(server.path, json=login_of(server)).json()["token"] for _ in range(2)]
        codes = [
            http.get("/numbered", headers={"Authorization": f"Bearer {token}"}).status_code
            for token in tokens
        ]
        assert codes == [401 if is_single else 200, 200]


@pytest.mark.parametrize("wrong", [{}, {"client_id": "x"}, {"client_secret": ""}])
def test_login_when_wrong_or_revoked_is_a_401(wrong: dict[str, str]) -> None:
    server = TokenServer()
    with served(credentials=server) as (part, http):
        if not wrong:
            part.control("revoke", {})
        assert http.post(server.path, json=login_of(server) | wrong).status_code == 401


def test_limit_when_exceeded_is_a_429_until_the_time_is_over() -> None:
    with served(limit=RateLimit(2, seconds=60)) as (part, http):
        codes = [http.get("/numbered").status_code for _ in range(2)]
        refused = http.get("/numbered")
        part.world.clock.advance(61)
        codes += [refused.status_code, http.get("/numbered").status_code]
    assert (codes, int(refused.headers["Retry-After"]) > 50) == ([200, 200, 429, 200], True)


class Store(StandIn):
    """A partner that takes large files as they are."""

    name = "store"

    @route("PUT /files/{id}", to_disk=True)
    def put(self, call: Call) -> Any:
        kept = self.world.folder / call.params["id"]
        call.path.rename(kept)
        return {"size": kept.stat().st_size, "body": len(call.body)}

    @route("PUT /refused", to_disk=True)
    def refused(self, call: Call) -> Any:
        raise refuse(413, f"{call.path.stat().st_size} bytes are too many")


def test_route_when_the_body_goes_to_disk_does_not_hold_it_and_leaves_no_file(tmp_path: Path) -> None:
    with Sandbox([Store], folder=tmp_path, media=[]) as sandbox:
        origin = sandbox.origins["store"]
        kept = httpx.put(f"{origin}/files/one.bin", content=b"x" * 3_000_000, trust_env=False).json()
        refused = httpx.put(f"{origin}/refused", content=b"y" * 10, trust_env=False)
    assert kept == {"size": 3_000_000, "body": 0}
    assert refused.json() == {"error": "10 bytes are too many"}
    assert not [*tmp_path.glob("body-*")]
