"""A console on loopback, over a ledger with rows that are hostile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import Queue

import attrs
import httpx
import pytest
import sqlalchemy as sa
from canaries import KEY, canaries
from ledger_rows import claim

from damlink._config.load import loads
from damlink._console.server import Console
from damlink._model import SourceAsset
from damlink._run.session import Session
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.plans import PlannedAsset, Plans
from damlink._state.tables import plan, planned

HOSTILE = "<script>alert(1)</script>"
TOKEN = "a-token-that-no-page-may-show"
CONFIG = """
[portals.brand]
url = "http://127.0.0.1:9"
token = { env = "TOKEN" }

[connectors.stock]
plugin = "missing"
"""


@attrs.define
class Shown:
    """A running console, its session, and a client that has entered."""

    session: Session
    console: Console
    url: str
    link: str
    client: httpx.Client

    def ledger(self) -> Ledger:
        return Ledger(self.session.database, "stock")

    def json(self, path: str) -> dict[str, object]:
        answer = self.client.get(path, headers={"Accept": "application/json"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **form: str) -> httpx.Response:
        return self.client.post(path, data=form, headers={"Origin": self.url})


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("console")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAMLINK_KEY", KEY)
        patch.setenv("DAMLINK_STATE_DIR", str(folder))
        patch.setenv("TOKEN", TOKEN)
        (folder / "damlink.toml").write_text(CONFIG)
        with Session(loads(CONFIG, folder / "damlink.toml")) as session:
            fill(session)
            yield from running(session)


def fill(session: Session) -> None:
    """Leave one uncertain, one rejected and many due rows."""
    items = [SourceAsset(f"id-{number:03}", "v1", f"{HOSTILE} {number}") for number in range(60)]
    with Lease(session.database, "stock") as lease:
        ledger = Ledger(session.database, "stock", lease.epoch)
        ledger.record(Listed(items), "all")
        ledger.mark_uncertain(claim(ledger), f"{HOSTILE} id-000 may have arrived")
        ledger.mark_rejected(claim(ledger), f"{HOSTILE} & too large")
    _keep_plan(session)


def _keep_plan(session: Session) -> None:
    """Save a plan with the id `known`."""
    plans = Plans(session.database)
    number = plans.begin("stock", full=False, basis={})
    asset = {"source_id": "id-002", "title": HOSTILE, "why": HOSTILE, "action": "new", "fingerprint": "v1"}
    plans.add(number, [PlannedAsset(**asset, size=1024, requests=5, spends={HOSTILE: 2})], 0)
    totals = {"actions": {"new": 1}, "bytes": 1024, "without_size": 0, "requests": 5, "minutes": 0}
    plans.complete(number, totals | {"spends": {HOSTILE: 2}})
    with session.database.write() as connection:
        connection.execute(sa.update(plan).values(id="known"))
        connection.execute(sa.update(planned).values(plan="known"))


def running(session: Session) -> Iterator[Shown]:
    """Run a console in a thread until the tests are done with it."""
    addresses: Queue[str] = Queue()
    console = Console(session, on_listening=addresses.put)
    thread = threading.Thread(target=console.run, args=("127.0.0.1", 0))
    thread.start()
    try:
        address = httpx.URL(addresses.get(timeout=60))
        url = f"http://{address.netloc.decode()}"
        hooks = {"response": [_look_at_answer]}
        with httpx.Client(base_url=url, trust_env=False, event_hooks=hooks) as client:
            assert client.get(address).status_code == 303
            yield Shown(session, console, url, str(address), client)
    finally:
        console.stop()
        thread.join(60)


def _look_at_answer(answer: httpx.Response) -> None:
    """No answer holds a secret, or a text from outside as markup."""
    text = answer.read().decode()
    canaries.look("an answer of the console", text)
    assert TOKEN not in text
    assert "json" in answer.headers.get("content-type", "") or HOSTILE not in text
