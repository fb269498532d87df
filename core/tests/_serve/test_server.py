from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import attrs
import httpx
import pytest
from canaries import CANARY

from damlink._config.edit import document
from damlink._config.load import loads
from damlink._run.session import Session
from damlink._serve.address import event_path, event_token
from damlink._serve.confirmer import Confirmer
from damlink._serve.server import Server
from damlink._serve.subscriptions import subscriptions_of
from damlink._sns.envelope import parse
from damlink.errors import ConfigError
from damlink_sandbox import Fault


@attrs.define
class Diligent:
    """A worker that notes what it is told."""

    told: list[str] = attrs.field(factory=list)
    is_alive: bool = False

    def start(self) -> None:
        self.told.append("start")
        self.is_alive = True

    def stop(self) -> None:
        self.told.append("stop")

    def join(self, timeout: float) -> bool:
        self.told.append("join")
        assert 0 < timeout <= 25
        return True


@pytest.fixture
def session(tables: dict[str, Any], tmp_path: Path) -> Iterator[Session]:
    with Session(loads(document(tables), tmp_path / "damlink.toml")) as session:
        yield session


@pytest.fixture
def worker() -> Diligent:
    return Diligent()


@pytest.fixture
def url(session: Session, worker: Diligent) -> Iterator[str]:
    addresses: Queue[str] = Queue()
    server = Server(session, (worker,), on_listening=addresses.put)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield addresses.get(timeout=60)
    server.stop()
    thread.join(60)
    assert not thread.is_alive()
    assert worker.told[0] == "start"
    assert worker.told[-2:] == ["stop", "join"]


@attrs.define
class Locking(Diligent):
    """A worker whose start is interrupted by a signal while it holds the lock that its end takes."""

    lock: threading.Lock = attrs.field(factory=threading.Lock)

    def start(self) -> None:
        with self.lock:
            signal.raise_signal(signal.SIGTERM)
        super().start()

    def stop(self) -> None:
        with self.lock:
            super().stop()


def test_signal_when_it_interrupts_a_start_that_holds_a_lock_ends_the_server(session: Session) -> None:
    worker = Locking()
    assert Server(session, (worker,)).run()
    assert worker.told[0] == "start"
    assert worker.told[-1] == "join"


def path_of(session: Session) -> str:
    return event_path("brand", event_token(session, "brand"))


def test_readiness_when_a_worker_has_ended_is_denied(url: str, worker: Diligent) -> None:
    assert httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    worker.is_alive = False
    answer = httpx.get(f"{url}/readyz", trust_env=False)
    assert (answer.status_code, answer.text) == (503, "a part of it has ended\n")
    assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 200


def test_event_when_it_cannot_be_kept_asks_for_another_try(
    url: str, session: Session, worker: Diligent, sns: Any, tmp_path: Path
) -> None:
    assert session.database.file == tmp_path / "damlink.db"
    path = path_of(session)
    (tmp_path / "damlink.db").rename(tmp_path / "away.db")
    answer = httpx.post(f"{url}{path}", json=sns.envelope(), trust_env=False)
    (tmp_path / "away.db").rename(tmp_path / "damlink.db")
    assert (answer.status_code, answer.text) == (503, "unavailable\n")
    assert worker.told == ["start"]


def test_port_when_taken_is_a_config_error(tables: dict[str, Any], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = loads(document(tables | {"serve": {"port": port}}), tmp_path / "damlink.toml")
        with Session(config) as session, pytest.raises(ConfigError, match=f"cannot listen on .* {port}: "):
            Server(session).run()


def test_confirmation_when_refused_for_a_while_is_tried_again(
    session: Session, sns: Any, eventually: Any
) -> None:
    sns.sandbox.world.faults.add(Fault("sns", "GET /$", status=503, times=2))
    subscription = sns.part.topic.subscribe("http://127.0.0.1:9/", [])
    asked = sns.envelope("SubscriptionConfirmation", Token=subscription.token)
    envelope = parse(json.dumps(asked).encode())
    subscriptions = subscriptions_of(session, "brand")
    subscriptions.note(envelope)
    confirmer = Confirmer([subscriptions], again_seconds=0.02)
    confirmer.start()
    eventually(lambda: subscription.confirmed)
    confirmer.stop()
    assert confirmer.join(60)
    assert subscriptions.topics.token("brand", envelope.topic.arn) is None


def test_confirmation_when_refused_for_good_is_not_tried_again_until_a_new_token_comes(
    session: Session, sns: Any, eventually: Any
) -> None:
    subscriptions = subscriptions_of(session, "brand")
    counts = sns.sandbox.world.counts
    before = counts["sns GET /"]
    confirmer = Confirmer([subscriptions], again_seconds=0.01)
    confirmer.start()
    for number in (1, 2):
        asked = sns.envelope("SubscriptionConfirmation", Token=f"wrong-{number}")
        subscriptions.note(parse(json.dumps(asked).encode()))
        confirmer.wake()
        eventually(lambda expected=before + number: counts["sns GET /"] == expected)
    confirmer.stop()
    assert confirmer.join(60)
    assert counts["sns GET /"] == before + 2


def test_serve_when_interrupted_ends_well(tables: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "damlink.toml").write_text(document(tables))
    environment = {**os.environ, "TOKEN": CANARY, "DAMLINK_STATE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "damlink", "serve"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        assert child.stderr.readline().startswith("damlink: listening on http://127.0.0.1:")
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 0
        assert child.stderr.read() == ""
