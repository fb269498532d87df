from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import sqlalchemy as sa
from canaries import CANARY

from damlink import OAuth2, Secret
from damlink._config.load import opener
from damlink._config.parse import SecretRef
from damlink._http.bearer import BearerAuth
from damlink._http.client import open_client
from damlink._http.token import Token
from damlink._secrets.crypto import Cipher, new_key
from damlink._secrets.store import SecretStore, TokenCustody, give_custody
from damlink._state.credentials import HOLD_SECONDS, Credentials
from damlink._state.database import Database
from damlink.errors import ConfigError, StateError, TransientError

KEY = new_key()


@pytest.fixture
def credentials(database: Database) -> Credentials:
    return Credentials(database)


@pytest.fixture
def secrets(credentials: Credentials) -> SecretStore:
    return SecretStore(credentials, lambda: Cipher(KEY, "a test"))


def custody(credentials: Credentials, account: str = "account") -> TokenCustody:
    return TokenCustody(credentials, Cipher(KEY, "a test"), account)


def test_credentials_when_saved_are_loaded(credentials: Credentials, opened: Callable[[], Database]) -> None:
    credentials.save("a", b"one")
    credentials.save("a", b"two")
    assert Credentials(opened()).load("a") == b"two"
    assert credentials.load("b") is None


def test_credentials_when_removed_are_gone(credentials: Credentials) -> None:
    credentials.save("a", b"one")
    assert [credentials.remove("a"), credentials.remove("a")] == [True, False]
    assert credentials.load("a") is None


def test_credentials_when_named_by_prefix_are_sorted_and_hold_something(credentials: Credentials) -> None:
    for name in ("p_:b", "p_:a", "px:c", "q"):
        credentials.save(name, b"x")
    with credentials.exclusive("p_:held"):
        assert credentials.names("p_:") == ["p_:a", "p_:b"]


def test_credentials_when_several_threads_save_a_new_one_all_succeed(
    credentials: Credentials, together: Callable[..., Any]
) -> None:
    for number in range(5):
        together(8, lambda who, name=str(number): credentials.save(name, b"%d" % who))
        assert credentials.load(str(number)) in {b"%d" % who for who in range(8)}


def test_exclusive_when_several_threads_want_it_lets_one_in_at_a_time(
    credentials: Credentials, together: Callable[..., Any]
) -> None:
    inside, most = 0, 0

    def enter(_: int) -> None:
        nonlocal inside, most
        with credentials.exclusive("a"):
            inside += 1
            most = max(most, inside)
            credentials.load("a")
            inside -= 1

    together(6, enter)
    assert (inside, most) == (0, 1)


def held_by(database: Database, owner: str, seconds: float) -> None:
    with database.write() as connection:
        at = database.clock(connection) + timedelta(seconds=seconds)
        until = at.replace(tzinfo=None).isoformat(" ")
        update = "UPDATE credential SET held_by = :owner, held_until = '" + until + "'"
        connection.execute(sa.text(update), {"owner": owner})


@pytest.mark.parametrize(
    ("owner", "seconds"),
    [("elsewhere/1/1/1", -1.0), ("HERE/999999999/1/1", HOLD_SECONDS)],
    ids=["out of time", "of a dead process"],
)
def test_exclusive_when_its_holder_is_gone_is_taken(
    credentials: Credentials, database: Database, owner: str, seconds: float
) -> None:
    credentials.save("a", b"one")
    held_by(database, owner.replace("HERE", socket.gethostname()), seconds)
    began = time.monotonic()
    with credentials.exclusive("a"):
        assert credentials.load("a") == b"one"
    assert time.monotonic() - began < HOLD_SECONDS / 2


def test_exclusive_when_its_holder_lives_elsewhere_waits_for_it(
    credentials: Credentials, database: Database
) -> None:
    credentials.save("a", b"one")
    began = time.monotonic()
    held_by(database, "elsewhere/1/1/1", 0.4)
    with credentials.exclusive("a"):
        assert time.monotonic() - began >= 0.35


def test_secrets_when_set_are_encrypted_and_got_back(secrets: SecretStore, credentials: Credentials) -> None:
    secrets.set("stock", "s3cret é")
    secrets.set("other", "x")
    assert (secrets.get("stock"), secrets.get("nothing")) == ("s3cret é", None)
    assert secrets.names() == ["other", "stock"]
    assert CANARY.encode() not in (credentials.load("secret:stock") or b"")
    assert [secrets.remove("stock"), secrets.remove("stock")] == [True, False]


def test_secrets_when_the_key_is_another_say_so(secrets: SecretStore, credentials: Credentials) -> None:
    secrets.set("stock", CANARY)
    other = SecretStore(credentials, lambda: Cipher(new_key(), "DAMLINK_KEY"))
    with pytest.raises(StateError, match="the key from DAMLINK_KEY does not open the database; give the key"):
        other.get("stock")


def test_opener_when_asked_opens_every_kind_of_reference(
    secrets: SecretStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "from environment")
    (tmp_path / "token.txt").write_text("from file")
    secrets.set("stock", "from store")
    read = opener(tmp_path / "damlink.toml", secrets.get)
    kinds: list[Any] = [("env", "TOKEN"), ("file", "token.txt"), ("secret", "stock")]
    found = [read(SecretRef(kind, name), "here") for kind, name in kinds]
    assert found == ["from environment", "from file", "from store"]


def test_opener_when_there_is_no_such_secret_says_how_to_keep_it(
    secrets: SecretStore, tmp_path: Path
) -> None:
    read = opener(tmp_path / "damlink.toml", secrets.get)
    with pytest.raises(ConfigError) as caught:
        read(SecretRef("secret", "stock"), "here")
    assert str(caught.value) == "here: there is no secret 'stock'; keep it with `damlink secret set stock`"


def test_opener_when_no_secret_is_kept_needs_no_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_name: str) -> str:
        raise AssertionError("the database is not to be opened")

    monkeypatch.setenv("TOKEN", CANARY)
    assert opener(tmp_path / "damlink.toml", never)(SecretRef("env", "TOKEN"), "here") == CANARY


@pytest.mark.parametrize("refresh", [Secret("r"), None], ids=["with refresh token", "without"])
def test_custody_when_a_token_is_saved_everybody_has_it_and_nobody_reads_it(
    credentials: Credentials, opened: Callable[[], Database], refresh: Secret | None
) -> None:
    token = Token(Secret("acc3ss"), time.time() + 3600, refresh)
    custody(credentials).save(token)
    assert custody(Credentials(opened())).load() == token
    assert b"acc3ss" not in (credentials.load("token:account") or b"")


def test_custody_when_the_account_is_another_has_another_token(credentials: Credentials) -> None:
    custody(credentials).save(Token(Secret("a"), time.time() + 3600))
    assert custody(credentials, "another account").load() is None
    assert custody(credentials).load() is not None


def test_give_custody_when_the_auth_keeps_no_token_leaves_it_alone(credentials: Credentials) -> None:
    def never() -> Cipher:
        raise AssertionError("no key is needed")

    give_custody(BearerAuth(Secret("t")), credentials, never)
    give_custody(None, credentials, never)


def test_give_custody_when_it_is_oauth2_keeps_its_tokens_by_account(credentials: Credentials) -> None:
    auth = OAuth2("https://token.example", "client", Secret("s"))
    give_custody(auth, credentials, lambda: Cipher(KEY, "a test"))
    auth.custody.save(Token(Secret("a"), time.time() + 3600))
    assert custody(credentials, auth.account).load() is not None


def test_oauth2_when_a_person_consents_shares_no_token_with_the_client_itself() -> None:
    robot, person = (
        OAuth2("https://token.example", "c", Secret("s"), login_only=only) for only in (False, True)
    )
    assert robot.account != person.account


def test_oauth2_when_several_runs_begin_at_once_renews_once_and_loses_no_refresh_token(
    opened: Callable[[], Database], server: Any, together: Callable[..., list[Any]]
) -> None:
    """The other side takes each refresh token once, and answers with the next."""
    given: list[str] = []

    def answer(asked: Any) -> Any:
        if asked.path != "/token":
            good = asked.headers.get("authorization") == f"Bearer a{len(given)}"
            return server.reply(200 if good else 401, b"data")
        given.append(parse_qs(asked.body.decode())["refresh_token"][0])
        good = given[-1] == f"r{len(given) - 1}"
        token = {"access_token": f"a{len(given)}", "refresh_token": f"r{len(given)}"}
        return server.reply(200 if good else 400, json.dumps(token).encode())

    def run(_: int) -> tuple[str, Token | None]:
        auth = OAuth2(f"{server.url}/token", "client", Secret("s"), refresh_token=Secret("r0"))
        give_custody(auth, Credentials(opened()), lambda: Cipher(KEY, "a test"))
        with open_client(server.url) as client:
            client.sign_with(auth)
            return client.get("/a").text, auth.custody.load()

    server.serve(answer)
    answers = together(4, run)
    assert [text for text, _ in answers] == ["data"] * 4
    assert {token and token.refresh for _, token in answers} == {Secret("r1")}
    assert given == ["r0"]


class Rotating:
    """Takes each refresh token once, and answers with the next; a family with a reuse is ended."""

    def __init__(self, server: Any) -> None:
        self.given: list[str] = []
        self._server = server
        server.serve(self._answer)

    def _answer(self, asked: Any) -> Any:
        if asked.path != "/token":
            good = asked.headers.get("authorization") == f"Bearer a{len(self.given)}"
            return self._server.reply(200 if good else 401, b"data")
        self.given.append(parse_qs(asked.body.decode())["refresh_token"][0])
        number = len(self.given)
        token = {"access_token": f"a{number}", "refresh_token": f"r{number}"}
        good = self.given[-1] == f"r{number - 1}"
        return self._server.reply(200 if good else 400, json.dumps(token).encode())


def rotating_auth(credentials: Credentials, server: Any) -> OAuth2:
    auth = OAuth2(f"{server.url}/token", "client", Secret("s"), refresh_token=Secret("r0"))
    give_custody(auth, credentials, lambda: Cipher(KEY, "a test"))
    return auth


def test_oauth2_when_the_wait_for_the_rate_outlasts_the_hold_loses_no_refresh_token(
    opened: Callable[[], Database], server: Any, together: Callable[..., list[Any]]
) -> None:
    rotating = Rotating(server)

    def run(_: int) -> tuple[str, Token | None]:
        auth = rotating_auth(Credentials(opened(), hold_seconds=2.0), server)
        with open_client(server.url, requests_per_second=0.4) as client:
            client.get("/first")
            client.sign_with(auth)
            return client.get("/a").text, auth.custody.load()

    server.then(200).then(200)
    answers = together(2, run)
    assert [text for text, _ in answers] == ["data"] * 2
    assert {token and token.refresh for _, token in answers} == {Secret("r1")}
    assert rotating.given == ["r0"]


def test_hold_when_another_has_taken_it_meanwhile_is_not_confirmed(
    credentials: Credentials, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials.save("a", b"one")
    with credentials.exclusive("a") as confirm:
        confirm()
        held_by(database, "elsewhere/1/1/1", HOLD_SECONDS)
        sleep(monkeypatch, HOLD_SECONDS)
        with pytest.raises(TransientError, match="another process has begun to renew the token meanwhile"):
            confirm()


def test_hold_when_nobody_took_it_is_held_for_longer(
    credentials: Credentials, opened: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials.save("a", b"one")
    with credentials.exclusive("a") as confirm:
        sleep(monkeypatch, HOLD_SECONDS + 1)
        confirm()
        assert not Credentials(opened())._hold("a", "elsewhere/1/1/1")


def sleep(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Move the machine's own clock, as if it had been suspended."""
    monkeypatch.setattr(time, "clock_gettime", lambda clock, tell=time.clock_gettime: tell(clock) + seconds)


@pytest.mark.parametrize(
    "begin",
    [lambda _: None, lambda kept: kept.save(Token(Secret("old"), 0.0))],
    ids=["the first", "a later one"],
)
def test_custody_when_another_was_faster_leaves_its_token_alone_and_takes_it(
    credentials: Credentials, begin: Callable[[TokenCustody], None]
) -> None:
    mine, other = custody(credentials), custody(credentials)
    begin(mine)
    read = mine.load()
    winner = other.replace(Token(Secret("a1"), 1.0, Secret("r1")), other.load())
    assert mine.replace(Token(Secret("a2"), 1.0, Secret("r2")), read) == winner
    assert mine.load() == winner


def test_oauth2_when_refused_because_another_was_faster_takes_its_token(
    credentials: Credentials, server: Any
) -> None:
    auth, other = rotating_auth(credentials, server), rotating_auth(credentials, server)
    fresh = Token(Secret("a1"), time.time() + 3600, Secret("r1"))

    def answer(asked: Any) -> Any:
        if asked.path != "/token":
            return server.reply(200, asked.headers["authorization"].encode())
        other.custody.save(fresh)
        return server.reply(400, b'{"error": "invalid_grant"}')

    server.serve(answer)
    with open_client(server.url) as client:
        client.sign_with(auth)
        assert client.get("/a").text == "Bearer a1"
    assert auth.custody.load() == fresh


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises, also where the tests run in the background and began without it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_oauth2_when_interrupted_during_a_renewal_keeps_the_new_token_first(
    credentials: Credentials, server: Any, interruptible: None
) -> None:
    rotating, auth = Rotating(server), rotating_auth(credentials, server)

    def interrupt(asked: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return rotating._answer(asked)

    server.serve(interrupt)
    with open_client(server.url) as client, pytest.raises(KeyboardInterrupt):
        client.sign_with(auth)
        client.get("/a")
    token = auth.custody.load()
    assert token is not None
    assert (token.refresh, server.lines) == (Secret("r1"), ["POST /token"])
