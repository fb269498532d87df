"""A server of events, the SNS that it trusts, and somebody who listens where nobody may go."""

from __future__ import annotations

import json
import socketserver
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from queue import Queue
from typing import Any

import attrs
import httpx
import pytest
from canaries import KEY, canaries

from damlink._config.edit import document
from damlink._config.load import loads
from damlink._run.session import Session
from damlink._serve.address import event_path, event_token
from damlink._serve.server import Server
from damlink._state.inbox import Inbox
from damlink._state.topics import Topics
from damlink_sandbox import Sandbox, SnsSandbox

ARN = "arn:aws:sns:eu-west-1:111122223333:sandbox-portal-events"


@attrs.define
class Sns:
    """What signs as SNS would."""

    sandbox: Sandbox
    part: SnsSandbox

    @property
    def host(self) -> str:
        return self.sandbox.origins["sns"].removeprefix("http://")

    @property
    def certificate_url(self) -> str:
        return f"http://{self.host}{self.part.topic.certificate_path}"

    def fields(self, kind: str = "Notification", **changes: str | None) -> dict[str, str]:
        """The signed fields of a message; `None` leaves one out."""
        now = datetime.now(UTC)
        fields: dict[str, str | None] = {
            "Type": kind,
            "MessageId": str(uuid.uuid4()),
            "TopicArn": ARN,
            "Message": '{"media_id": "0A1B2C3D-0000-0000-0000000000000001"}',
            "Timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.417Z",
        }
        if kind == "Notification":
            fields["Subject"] = "asset_bank.media.meta_updated"
        else:
            fields |= {
                "Token": "f00d" * 16,
                "SubscribeURL": f"http://{self.host}/?Action=ConfirmSubscription",
            }
        return {name: value for name, value in {**fields, **changes}.items() if value is not None}

    def signed(self, fields: Mapping[str, str], version: str = "1", **unsigned: Any) -> dict[str, Any]:
        """The envelope around signed fields; `unsigned` is added after signing."""
        return {
            **fields,
            "SignatureVersion": version,
            "Signature": self.part.topic.signer.sign(fields, version),
            "SigningCertURL": self.certificate_url,
            **unsigned,
        }

    def envelope(self, kind: str = "Notification", **changes: str | None) -> dict[str, Any]:
        """A good message."""
        return self.signed(self.fields(kind, **changes))


@attrs.define
class Served:
    """A running server, and the database behind it."""

    session: Session
    url: str
    client: httpx.Client

    @property
    def path(self) -> str:
        return event_path("brand", event_token(self.session, "brand"))

    @property
    def inbox(self) -> Inbox:
        return Inbox(self.session.database)

    @property
    def topics(self) -> Topics:
        return Topics(self.session.database)

    def post(self, body: Any, path: str = "", **headers: str) -> httpx.Response:
        """Send a message as SNS does; anything but bytes is written as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Content-Type": "text/plain; charset=UTF-8"} | named
        return self.client.post(path or self.path, content=content, headers=sent)


@pytest.fixture(scope="module")
def sns() -> Iterator[Sns]:
    with Sandbox([SnsSandbox]) as sandbox:
        part: Any = sandbox.part("sns")
        yield Sns(sandbox, part)


@pytest.fixture(scope="module")
def tables(sns: Sns) -> dict[str, Any]:
    """The config of the server."""
    portal = {
        "url": "http://127.0.0.1:9",
        "token": {"env": "TOKEN"},
        "event_topics": [ARN],
        "event_hosts": [sns.host],
    }
    return {"serve": {"port": 0}, "portals": {"brand": portal, "other": portal}}


@pytest.fixture(scope="module")
def served(tables: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("serve")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAMLINK_KEY", KEY)
        patch.setenv("DAMLINK_STATE_DIR", str(folder))
        with Session(loads(document(tables), folder / "damlink.toml")) as session:
            yield from running(session)


def running(session: Session) -> Iterator[Served]:
    """Run a server in a thread until the tests are done with it."""
    addresses: Queue[str] = Queue()
    server = Server(session, on_listening=addresses.put)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        url = addresses.get(timeout=60)
        hooks = {"response": [_look_at_answer]}
        with httpx.Client(base_url=url, trust_env=False, event_hooks=hooks) as client:
            yield Served(session, url, client)
    finally:
        server.stop()
        thread.join(60)
        assert not thread.is_alive()


def _look_at_answer(response: httpx.Response) -> None:
    """Look for secrets in what the service answers: metrics, the probes, refusals."""
    canaries.look(f"the answer of {response.request.method} /…", response.read())


class Recorder(socketserver.ThreadingTCPServer):
    """The proxy that all ways out lead through: notes what was asked for, and lets nothing pass."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Refuse)
        self.lines: list[str] = []


class _Refuse(socketserver.StreamRequestHandler):
    server: Recorder

    def handle(self) -> None:
        self.server.lines.append(self.rfile.readline().decode("latin-1").strip())
        self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.fixture
def egress(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Whatever leaves for another machine ends here."""
    with Recorder() as recorder:
        thread = threading.Thread(target=recorder.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{recorder.server_address[1]}"
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, address)
        monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
        yield recorder
        recorder.shutdown()


@pytest.fixture
def soon() -> Callable[..., str]:
    """A timestamp so far from now."""

    def moment(**lapse: float) -> str:
        return f"{datetime.now(UTC) + timedelta(**lapse):%Y-%m-%dT%H:%M:%S.000Z}"

    return moment
