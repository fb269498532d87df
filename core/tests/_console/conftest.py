"""A console on loopback, over a ledger with rows that are hostile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import attrs
import httpx
import pytest
import sqlalchemy as sa
from canaries import KEY, canaries
from consoles import origin_of, run_console
from ledger_rows import claim
from made_plugins import install_module

from damlink._config.load import loads
from damlink._console.desk import Desk, Texts
from damlink._console.drafts import Drafts, Kept
from damlink._console.jobs import Jobs
from damlink._console.server import Console
from damlink._model import SourceAsset
from damlink._run.session import Session
from damlink._state.access import Access
from damlink._state.inbox import Inbox, Notification
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.plans import PlannedAsset, Plans
from damlink._state.tables import plan, planned
from damlink._state.topics import Topics
from damlink._state.users import Role, Users

HOSTILE = "<script>alert(1)</script>"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:brand"
TOKEN = "a-token-that-no-page-may-show"
CONFIG = """
[portals.brand]
url = "http://127.0.0.1:9"
token = { env = "TOKEN" }

[connectors.stock]
plugin = "missing"

# What the shelf is for.
[connectors.shelf]
plugin = "acme"   # the only one
title = "The shelf"
key = { env = "TOKEN" }
tags = ["one",   "two"]
"""
PLUGIN = """
import attrs, datetime, typing
from damlink import *

about = About(title="Acme", summary="Pictures.", uploads=False)

@attrs.frozen
class settings_class:
    key: Secret = setting(help="The key of <b>Acme</b>.")
    password: Secret | None = setting(default=None, when={"user": True}, help="Their password.")
    user: str = setting(default="", help="Their name for you.")
    pages: int = setting(default=3, minimum=1, help="The number of pages.")
    share: float = setting(default=0.5, help="A part.")
    videos: bool = setting(default=False, selects=True, help="With videos.")
    kind: str = setting(default="all", choices=("all", "some"), help="Which ones.")
    since: datetime.date | None = setting(default=None, help="From this day on.")
    tags: tuple[str, ...] = setting(default=(), help="Tags.")
    names: typing.Mapping[str, str] = setting(default=None, advanced=True, help="Other names.")

@hookimpl
def list_source_assets(ctx):
    yield SourceAsset("1", "a", "<script>alert(1)</script>")

@hookimpl
def transform(source):
    return PreparedAsset(Content.from_bytes(b"a", "a.jpg"), "a")

@hookimpl
def push(source):
    return PushResult(source.source_id)

def check(ctx):
    yield Finding("Acme", f"it answers {ctx.settings.user}")
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
        install_acme(folder / "site", patch)
        (folder / "damlink.toml").write_text(CONFIG)
        with Session(loads(CONFIG, folder / "damlink.toml")) as session:
            fill(session)
            yield from running(session)


def install_acme(site: Path, patch: pytest.MonkeyPatch) -> None:
    """Install the plugin `acme`, for this process and those that it starts."""
    install_module(site, "acme", PLUGIN, module="damlink_acme_console", summary="Acme.")
    patch.syspath_prepend(str(site))
    patch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))


def fill(session: Session) -> None:
    """Leave one uncertain, one rejected and many due rows."""
    items = [SourceAsset(f"id-{number:03}", "v1", f"{HOSTILE} {number}") for number in range(60)]
    with Lease(session.database, "stock") as lease:
        ledger = Ledger(session.database, "stock", lease.epoch)
        ledger.record(Listed(items), "all")
        ledger.mark_uncertain(claim(ledger), f"{HOSTILE} id-000 may have arrived")
        ledger.mark_rejected(claim(ledger), f"{HOSTILE} & too large")
    _keep_plan(session)
    Users(session.database).add("known", Role.VIEWER, None)
    Access(session.database).make_token("known", HOSTILE, None)
    for number in (1, 2, 3):
        Inbox(session.database).put(notification(number))
    Topics(session.database).note("brand", TOPIC, None)
    desk = Desk(session.config, session, Jobs(session.config.path), Texts())
    kept = Kept(id="known", kind="connectors", name="shelf", base=CONFIG, changes={"pages": 4})
    Drafts(desk).save(kept)
    new = {"plugin": "acme", "portal": "brand"}
    Drafts(desk).save(Kept(id="new", kind="connectors", name="new", base=CONFIG, changes=new, step=0))


def notification(number: int) -> Notification:
    """Return an event with a hostile subject."""
    return Notification(
        portal="brand",
        topic=TOPIC,
        message_id=str(number),
        subject=HOSTILE,
        message="{}",
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


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
    with run_console(session) as (console, address):
        url = origin_of(address)
        hooks = {"response": [_look_at_answer]}
        with httpx.Client(base_url=url, trust_env=False, event_hooks=hooks) as client:
            assert client.get(address).status_code == 303
            yield Shown(session, console, url, str(address), client)


def _look_at_answer(answer: httpx.Response) -> None:
    """No answer holds a secret, or a text from outside as markup."""
    text = answer.read().decode()
    canaries.look("an answer of the console", text)
    assert TOKEN not in text
    assert "json" in answer.headers.get("content-type", "") or HOSTILE not in text
