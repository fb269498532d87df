"""A token by a login of the partner's own form: kept, shared, renewed, and never shown."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from canaries import CANARY

from damlink import Secret, TokenAuth
from damlink._http.client import Client
from damlink._http.token import Token
from damlink.errors import AuthError, TransientError


class Partner:
    """Gives tokens t1, t2, … for a login in JSON; accepts the newest one alone."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.logins: list[Any] = []
        self.answers: list[tuple[int, bytes]] = []
        self._lock = threading.Lock()
        server.serve(self._serve)

    def _serve(self, asked: Any) -> Any:
        with self._lock:
            if asked.path == "/login":
                return self._log_in(asked)
            good = asked.headers.get("x-session") == f"Token t{len(self.logins)}"
            return self.server.reply(200 if good else 401, b'{"message": "data"}')

    def _log_in(self, asked: Any) -> Any:
        if self.answers:
            return self.server.reply(*self.answers.pop(0))
        self.logins.append((asked.headers["content-type"], asked.body.decode()))
        body = {"token": f"t{len(self.logins)}", "seconds": 900}
        return self.server.reply(200, json.dumps(body).encode())


@pytest.fixture
def logins(server: Any) -> Partner:
    return Partner(server)


def read(answer: httpx.Response) -> tuple[str, float]:
    said = answer.json()
    return said["token"], float(said["seconds"])


def auth_of(server: Any, **options: Any) -> TokenAuth:
    login = {"client": "acme", "secret": Secret(CANARY)}
    return TokenAuth(f"{server.url}/login", login, read, header="X-Session", prefix="Token ", **options)


def test_token_auth_when_used_twice_logs_in_once_in_json(
    partner: Client, server: Any, logins: Partner
) -> None:
    partner.sign_with(auth_of(server))
    assert [partner.get("/a").json(), partner.get("/b").json()] == [{"message": "data"}] * 2
    ((kind, body),) = logins.logins
    assert (kind, json.loads(body)) == ("application/json", {"client": "acme", "secret": CANARY})


def test_token_auth_when_it_is_a_form_sends_one(partner: Client, server: Any, logins: Partner) -> None:
    partner.sign_with(auth_of(server, form=True))
    partner.get("/a")
    assert logins.logins[0][0] == "application/x-www-form-urlencoded"


def test_token_auth_when_threads_begin_together_logs_in_once(
    partner: Client, server: Any, logins: Partner
) -> None:
    partner.sign_with(auth_of(server))
    with ThreadPoolExecutor(8) as pool:
        statuses = [answer.status_code for answer in pool.map(partner.get, ["/a"] * 16)]
    assert (statuses, len(logins.logins)) == ([200] * 16, 1)


@pytest.mark.parametrize("lives", [-1.0, 900.0], ids=["old", "refused-with-401"])
def test_token_auth_when_its_token_does_not_serve_logs_in_again(
    partner: Client, server: Any, logins: Partner, lives: float
) -> None:
    auth = auth_of(server)
    auth.custody.save(Token(Secret("gone"), time.time() + lives))
    partner.sign_with(auth)
    assert (partner.get("/a").status_code, len(logins.logins)) == (200, 1)


@pytest.mark.parametrize(
    "answer",
    [(503, b""), (429, b""), (200, b"<html>"), (200, b"{}"), (200, b'{"token": "", "seconds": 1}')],
    ids=["503", "429", "html", "no-token", "empty-token"],
)
def test_token_auth_when_a_login_fails_for_once_repeats_it(
    partner: Client, server: Any, logins: Partner, answer: tuple[int, bytes]
) -> None:
    logins.answers = [answer]
    partner.sign_with(auth_of(server))
    assert partner.get("/a").status_code == 200


def test_token_auth_when_refused_says_so_without_the_secret(
    partner: Client, server: Any, logins: Partner
) -> None:
    logins.answers = [(401, f'{{"fault": "{CANARY} is wrong"}}'.encode())]
    partner.sign_with(auth_of(server))
    with pytest.raises(AuthError, match="check the credentials") as caught:
        partner.get("/a")
    assert CANARY not in str(caught.value)


def test_token_auth_when_an_answer_cannot_be_read_does_not_show_it(
    partner: Client, server: Any, logins: Partner
) -> None:
    logins.answers = [(200, f'{{"token": "a", "seconds": "{CANARY}"}}'.encode())] * 50
    partner.sign_with(auth_of(server))
    with pytest.raises(TransientError, match="cannot be read: ValueError") as caught:
        partner.get("/a")
    assert CANARY not in str(caught.value) + caught.value.body


def test_token_auth_when_credentials_differ_has_another_account(server: Any) -> None:
    other = TokenAuth(f"{server.url}/login", {"client": "acme", "secret": Secret("other")}, read)
    assert auth_of(server).account != other.account
