"""Every wait of a run ends at once when the run is stopped or fenced off, whatever the clock does."""

from __future__ import annotations

import ast
import contextlib
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from canaries import CANARY

import damlink
from damlink import OAuth2, Secret
from damlink._http.client import TERMS, Client, open_client
from damlink._http.pace import Pace
from damlink._http.retry import Terms
from damlink._secrets.crypto import Cipher, new_key
from damlink._secrets.store import give_custody
from damlink._state.credentials import Credentials
from damlink._state.database import Database
from damlink._system.waiting import SLICE_SECONDS, Verify, hold, slices, wait
from damlink.errors import DamlinkError, LeaseLostError, StateError, StoppedError

SOURCES = Path(damlink.__file__).parent
# The functions that wait, by module.
WAITS = {"_system.waiting": {"wait", "hold", "slices"}, "_http.retry": {"pause", "pause_between"}}
METHODS = {"pause", "exclusive"}  # of a client, of credentials
# No lease protects what waits there.
OF_NO_RUN = ("_cli/", "testing/", "sandbox/", "_serve/address.py", "_serve/event_subscription.py")
SHORT = {  # a second at most, and what is done after it is verified all the same
    "_state.conflicts:repeating",
    "_state.conflicts:call",
    "_state.migrations:_holding",
    "bynder._bodies:read_again",
}
OF_A_PERSON = {
    "_http.oauth2:redeem",
    "_http.custody:exclusive",
}  # `login`; `plan` and `check` without a database
OF_ANOTHER_NAME = {"_serve.dispatcher:_process_batch"}  # it puts a portal off; it does not wait
OF_POSTGRESQL = {"_state.shared_pace:_take"}  # tested beside it
HEARD_WITHIN_SECONDS = 20.0  # a slice, and what a busy machine adds to it; each wait lasts a minute or more


class Switch:
    """Verifies until it is thrown; then it raises."""

    def __init__(self) -> None:
        self.error: DamlinkError | None = None
        self.asked = threading.Event()

    def __call__(self) -> None:
        self.asked.set()
        if self.error is not None:
            raise self.error

    def is_asked_again(self) -> bool:
        """Whether it is asked after this, as each slice of a wait does."""
        self.asked.clear()
        return self.asked.wait(60)


class World:
    """What a wait may need: the other side, a pace, and the clients and locks that are closed in the end."""

    def __init__(self, server: Any, folder: Path, closing: contextlib.ExitStack) -> None:
        self.server, self.folder, self.closing = server, folder, closing
        self.pace = closing.enter_context(contextlib.closing(Pace(folder / "pace.db", 1000, 300.0)))

    def client(self, verify: Verify, **options: Any) -> Client:
        return self.closing.enter_context(open_client(self.server.url, verify_before_send=verify, **options))


def in_silence(world: World, verify: Verify) -> Any:
    world.pace.silence()
    return world.client(verify, pace=world.pace).get("/")


def behind_another_waiter(world: World, verify: Verify) -> Any:
    world.closing.enter_context(world.pace._turn)
    return world.client(verify, pace=world.pace).get("/")


def while_the_pace_is_locked(world: World, verify: Verify) -> Any:
    client = world.client(verify, pace=world.pace)
    other = sqlite3.connect(world.folder / "pace.db", isolation_level=None, check_same_thread=False)
    world.closing.enter_context(contextlib.closing(other)).execute("BEGIN IMMEDIATE")
    return client.get("/")


def beside_a_thread_with_the_file(world: World, verify: Verify) -> Any:
    world.closing.enter_context(world.pace._file._lock)
    return world.client(verify, pace=world.pace).get("/")


def for_the_rate(world: World, verify: Verify) -> Any:
    client = world.client(verify, requests_per_second=1 / 60)
    client.get("/")
    return client.get("/")


def before_another_try(world: World, verify: Verify) -> Any:
    world.server.always(503, headers={"Retry-After": "60"})
    return world.client(verify).get("/")


def after_a_429(world: World, verify: Verify) -> Any:
    world.server.always(429, headers={"Retry-After": "60"})
    return world.client(verify).post("/")


def on_terms_of_its_own(world: World, verify: Verify) -> Any:
    world.server.always(503)
    terms = Terms(retries=2, delay_seconds=60.0)
    return world.client(verify).get("/", extensions={TERMS: terms})


def between_two_requests(world: World, verify: Verify) -> Any:
    return world.client(verify).pause(60)


def while_another_process_renews_the_token(world: World, verify: Verify) -> Any:
    auth = OAuth2(f"{world.server.url}/token", "client", Secret(CANARY))
    database = world.closing.enter_context(contextlib.closing(Database("sqlite:///d.db", world.folder)))
    give_custody(auth, Credentials(database), lambda: Cipher(new_key(), "a test"), verify)
    world.closing.enter_context(auth.custody.exclusive())
    client = world.client(verify)
    client.sign_with(auth)
    return client.get("/")


# Each with the places that it goes through, as `module:function`.
SITES: dict[Callable[[World, Verify], Any], set[str]] = {
    in_silence: {"_http.pace:_acquire", "_system.waiting:wait"},
    behind_another_waiter: {"_http.pace:_acquire"},
    while_the_pace_is_locked: {"_http.pace_file:_when_free"},
    beside_a_thread_with_the_file: {"_http.pace_file:run"},
    for_the_rate: {"_http.transports:_wait", "_http.retry:pause"},
    before_another_try: {"_http.retry:call_with_retries"},
    after_a_429: {"_http.retry:call_with_retries"},
    on_terms_of_its_own: {"_http.retry:call_with_retries"},
    while_another_process_renews_the_token: {
        "_secrets.store:exclusive",
        "_http.token_auth:_renew",
        "_state.credentials:_wait_for",
    },
    between_two_requests: {
        "_http.client:pause",
        "_http.retry:pause_between",
        "_upload.file_uploads:upload_whole",
        "_upload.noted_delivery:_find_noted",
    },
}

SENT_BEFORE = {for_the_rate: 1, before_another_try: 1, after_a_429: 1, on_terms_of_its_own: 1}
"""The requests that have arrived when the wait begins, where there are any."""


def functions(path: Path) -> Iterator[tuple[str, set[str]]]:
    """Each function with the waiting names that it uses."""
    name = path.relative_to(SOURCES).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    imported = {
        each.name: str(node.module).removeprefix("damlink.") for node in imports for each in node.names
    }
    waiting = {each for each, module in imported.items() if each in WAITS.get(module, ())}
    waiting |= WAITS.get(name, set())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield f"{name}:{node.name}", set(used(node, waiting))


def used(function: ast.AST, waiting: set[str]) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id in waiting:
            yield node.id
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield from METHODS & {node.func.attr}
            yield from {"time.sleep"} & {ast.unparse(node.func)}


@pytest.fixture(scope="module")
def places() -> dict[str, set[str]]:
    """The functions that work for runs, with the waiting names that each uses."""
    files = [path for path in SOURCES.rglob("*.py") if not relative(path).startswith(OF_NO_RUN)]
    return {place: names for path in files for place, names in functions(path)}


def relative(path: Path) -> str:
    return path.relative_to(SOURCES).as_posix()


def test_waits_when_looked_for_in_the_sources_are_all_of_this_matrix(places: dict[str, set[str]]) -> None:
    found = {place for place, names in places.items() if names}
    assert found - OF_A_PERSON - SHORT - OF_ANOTHER_NAME - OF_POSTGRESQL == set.union(*SITES.values())


def test_sleep_when_looked_for_in_the_sources_is_always_cut_into_slices(places: dict[str, set[str]]) -> None:
    sleeping = {place: names for place, names in places.items() if "time.sleep" in names}
    assert [place for place, names in sleeping.items() if "slices" not in names] == []


@pytest.fixture
def world(server: Any, tmp_path: Path) -> Iterator[World]:
    with contextlib.ExitStack() as closing:
        yield World(server, tmp_path, closing)


@pytest.fixture
def begun() -> Iterator[Callable[..., tuple[Switch, Future[Any]]]]:
    """Begin to wait in a thread; says so once it does."""
    with ThreadPoolExecutor(1) as pool:

        def begin(site: Callable[..., Any], world: World) -> tuple[Switch, Future[Any]]:
            switch = Switch()
            future = pool.submit(site, world, switch)
            assert switch.asked.wait(60)
            return switch, future

        yield begin


@pytest.mark.parametrize(
    "error", [StoppedError("stopped"), LeaseLostError("lost")], ids=["stop", "lease lost"]
)
@pytest.mark.parametrize("site", SITES, ids=lambda site: site.__name__)
def test_wait_when_the_run_is_to_end_ends_at_once_and_sends_nothing_more(
    world: World,
    begun: Callable[..., Any],
    eventually: Callable[..., Any],
    site: Callable[..., Any],
    error: DamlinkError,
) -> None:
    switch, future = begun(site, world)
    sent = SENT_BEFORE.get(site, 0)
    eventually(lambda: len(world.server.asked) == sent and switch.is_asked_again())
    switch.error, since = error, time.monotonic()
    assert future.exception(timeout=60) is error
    assert time.monotonic() - since < HEARD_WITHIN_SECONDS
    assert len(world.server.asked) == sent


def test_permit_when_its_request_is_held_back_is_given_back(world: World) -> None:
    def lost() -> None:
        raise LeaseLostError("lost")

    with pytest.raises(LeaseLostError):
        world.client(lost, pace=world.pace).get("/")
    assert world.pace.budget().used == 0


def test_send_when_the_lease_is_lost_is_held_back_after_all_that_comes_before_the_bytes(world: World) -> None:
    """The wait for a connection and its handshakes come before the check, too."""

    def lost() -> None:
        raise LeaseLostError("lost")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        world.server.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(LeaseLostError):
            world.client(lost).post("/", content=b"x")
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(100) == b""


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0], ids=["back", "ahead"])
def test_wait_when_somebody_sets_the_clock_takes_as_long_as_ever(
    monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    steps = slices(0.5)
    next(steps)
    monkeypatch.setattr(time, "time", lambda tell=time.time: tell() + jump)
    began = time.monotonic()
    for left in steps:
        assert left <= SLICE_SECONDS
        time.sleep(left)
    assert 0.2 <= time.monotonic() - began < 60


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0], ids=["back", "ahead"])
def test_silence_when_somebody_sets_the_clock_lasts_as_long_as_ever(
    world: World, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    began = time.monotonic()
    world.pace.silence()
    monkeypatch.setattr(time, "time", lambda tell=time.time: tell() + jump)
    left = world.pace.budget().silent_seconds
    assert began + 300 - time.monotonic() < left <= 301


def test_wait_when_the_machine_slept_meanwhile_counts_that_time(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = slices(60)
    next(steps)
    monkeypatch.setattr(time, "clock_gettime", lambda clock, tell=time.clock_gettime: tell(clock) + 60)
    assert list(steps) == []


def test_wait_when_the_database_is_away_goes_on() -> None:
    def away() -> None:
        raise StateError("no connection")

    began = time.monotonic()
    wait(0.3, away)
    assert time.monotonic() - began >= 0.3


def test_hold_when_the_lock_is_free_holds_it_until_the_end() -> None:
    lock = threading.Lock()
    with hold(lock):
        assert lock.locked()
    assert not lock.locked()
