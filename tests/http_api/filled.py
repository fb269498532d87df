"""A console over a database in which each member of its answers has each type that it may have."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import attrs
import httpx
import pytest
import sqlalchemy as sa
from canaries import CANARY, KEY
from consoles import origin_of, run_console
from ledger_rows import claim
from made_plugins import install_module

from damlink._config.load import load
from damlink._console.desk import Desk, Texts
from damlink._console.drafts import Drafts, Kept
from damlink._console.jobs import Jobs
from damlink._http.oauth2 import OAuth2
from damlink._http.token import Token
from damlink._model import PushResult, SourceAsset
from damlink._run.session import Session
from damlink._secret import Secret
from damlink._secrets.passwords import hash_password
from damlink._state.access import Access
from damlink._state.audit import Audit
from damlink._state.inbox import Inbox, Notification
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.plans import PlannedAsset, Plans
from damlink._state.refusals import Refusals
from damlink._state.refused import RefusedMessages
from damlink._state.runs import Runs
from damlink._state.tables import inbox, latency, run
from damlink._state.topics import Topics
from damlink._state.users import Role, Users

__all__ = ["OTHER_TOPIC", "PASSWORD", "TOPIC", "Filled", "fill", "open_console"]

PASSWORD: Final = f"{CANARY} of a user"
TOPIC: Final = "arn:aws:sns:eu-west-1:111122223333:brand"
OTHER_TOPIC: Final = f"{TOPIC}-2"
CONFIG: Final = """
[portals.brand]
url = "http://127.0.0.1:9"
token = { env = "API_TOKEN" }

[portals.code]
url = "http://127.0.0.1:9"
auth = "oauth2-code"
client_id = "id"
client_secret = { env = "API_TOKEN" }

[portals.client]
url = "http://127.0.0.1:9"
auth = "oauth2-client-credentials"
client_id = "id"
client_secret = { env = "API_TOKEN" }

[connectors.stock]
plugin = "missing"
portal = "brand"

[connectors.shelf]
plugin = "acme"
portal = "brand"
title = "The shelf"
every = "1h"
key = { env = "API_TOKEN" }
tags = ["one", "two"]

[connectors.other]
plugin = "acme"
portal = "code"
enabled = false
key = { env = "API_TOKEN" }
"""
# Its listing waits until the test lets it go on.
PLUGIN: Final = """
import attrs, os, time
from damlink import *

about = About(title="Acme", summary="Pictures.", uploads=False)

@attrs.frozen
class settings_class:
    key: Secret = setting(help="The key of Acme.")
    user: str = setting(default="", help="The user at Acme.")
    pages: int = setting(default=3, minimum=1, help="The number of pages.")
    kind: str = setting(default="all", choices=("all", "some"), help="Which ones.")
    tags: tuple[str, ...] = setting(default=(), help="Tags.")
    more: str = setting(default="", advanced=True, help="More.")

@hookimpl
def authenticate(ctx):
    address = "http://127.0.0.1:9/{}".format
    return OAuth2(address("token"), "id", Secret("s"), authorize_url=address("auth"))

@hookimpl
def list_source_assets(ctx):
    while not os.path.exists(os.environ["ACME_GATE"]):
        time.sleep(0.02)
    yield SourceAsset("1", "a", "One")
    yield SourceAsset("2", "a", "Two")

@hookimpl
def transform(source):
    return PreparedAsset(Content.from_bytes(b"a", "a.jpg"), "a")

@hookimpl
def push(source):
    return PushResult(source.source_id)

def check(ctx):
    yield Finding("Acme", "it answers")
"""


@attrs.define
class Filled:
    """A running console with a client of the API."""

    session: Session
    client: httpx.Client
    url: str
    token: str
    gate: Path

    def ask(self, method: str, path: str, **form: str) -> httpx.Response:
        """Send a request as a program does."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        # A name with a dot cannot be a keyword, and is given with `__`.
        data = {name.replace("__", "."): value for name, value in form.items()}
        return self.client.request(method, path, headers=headers, data=data or None)


@contextlib.contextmanager
def open_console(folder: Path) -> Iterator[Filled]:
    """Run a console over an empty database; `fill` comes later."""
    with pytest.MonkeyPatch.context() as patch:
        gate = folder / "gate"
        given = {"DAMLINK_KEY": KEY, "DAMLINK_STATE_DIR": str(folder), "API_TOKEN": CANARY}
        for name, value in {**given, "ACME_GATE": str(gate)}.items():
            patch.setenv(name, value)
        _install(folder / "site", patch)
        (folder / "damlink.toml").write_text(CONFIG)
        with Session(load(folder / "damlink.toml")) as session:
            Users(session.database).add("ann", Role.ADMINISTRATOR, hash_password(PASSWORD))
            token = Access(session.database).make_token("ann", "the test", timedelta(days=30))
            yield from _run(session, token, gate)


def _install(site: Path, patch: pytest.MonkeyPatch) -> None:
    install_module(site, "acme", PLUGIN, module="damlink_acme_api", summary="acme.")
    install_module(site, "broken", None, module="damlink_not_there", summary="broken.")
    patch.syspath_prepend(str(site))
    patch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))


def _run(session: Session, token: str, gate: Path) -> Iterator[Filled]:
    with run_console(session) as (_, address):
        url = origin_of(address)
        try:
            with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
                yield Filled(session, client, url, token, gate)
        finally:
            gate.touch()


def fill(session: Session) -> None:
    """Fill the database."""
    _fill_ledger(session)
    _fill_runs(session)
    _fill_events(session)
    _fill_drafts(session)
    _fill_plans(session)
    database = session.database
    access = Access(database)
    access.make_token("ann", "for ever", None)
    access.begin("ann")
    Users(database).add("bob", Role.VIEWER, None)
    for number in range(101):
        Audit(database).note("ann", "edit", "shelf", {"pages": [str(number), "1"]})
    now = database.now()
    with database.write() as connection:
        day = now.date().isoformat()
        connection.execute(sa.insert(latency).values(connector="stock", day=day, bucket=3, count=2))


def _fill_ledger(session: Session) -> None:
    items = [SourceAsset(f"id-{number:03}", "v1", f"Asset {number}") for number in range(60)]
    request = {"method": "POST", "route": "partner.example/files"}
    requests = json.dumps([request, {**request, "status": 503, "request_id": "r-1"}])
    with Lease(session.database, "stock") as lease:
        ledger = Ledger(session.database, "stock", lease.epoch)
        ledger.record(Listed(items), "all")
        ledger.mark_uncertain(claim(ledger), "id-000 may have arrived", requests)
        ledger.mark_rejected(claim(ledger), "too large", requests)
        ledger.mark_failed(claim(ledger), "no answer", requests)
        ledger.mark_pushed(claim(ledger), PushResult("target-1", url="https://portal.example/1", notice="!"))
        ledger.mark_skipped(claim(ledger), "not wanted")
        ledger.mark_uncertain(claim(ledger), "may have arrived")


def _fill_runs(session: Session) -> None:
    runs = Runs(session.database, "stock")
    totals = {"listed": {"new": 60}, "outcomes": {"pushed": 1}, "bytes": 12, "seconds": 0.5}
    plugin = {"distribution": "damlink-missing", "version": "1.0"}
    runs.end(runs.begin(1, every=60.0), 0, {**totals, "plugin": plugin})
    newer = {**totals, "plugin": {**plugin, "version": "1.1"}}
    runs.end(runs.begin(1, listing=False), 4, {**newer, "error_type": "AuthError"}, "brand: sign in again")
    runs.begin(1)
    # An earlier version stored no interval.
    earlier = Runs(session.database, "other")
    earlier.end(earlier.begin(1), 3, {"error_type": "ConfigError"}, "a setting is missing")
    with session.database.write() as connection:
        connection.execute(sa.update(run).where(run.c.connector.in_(["other", "stock"])).values(every=None))


def _fill_events(session: Session) -> None:
    database, now = session.database, session.database.now()
    for number in range(1, 5):
        event = Notification(
            portal="brand",
            topic=TOPIC,
            message_id=str(number),
            subject="asset_bank.media.updated",
            message=json.dumps({"media_id": f"00000000-0000-0000-000000000000000{number}"}),
            occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        Inbox(database).put(event)
    changes = {
        1: {"attempts": 2, "last_error": "no answer"},
        2: {"finished_at": now, "had": json.dumps(["stock", "gone"]), "due_at": None},
        3: {"finished_at": now, "had": "[]", "due_at": None},
    }
    with database.write() as connection:
        for number, values in changes.items():
            connection.execute(sa.update(inbox).where(inbox.c.number == number).values(values))
    Refusals(database).add("brand", "forged", TOPIC, "the signature is wrong", "Notification 1", 3)
    RefusedMessages(database).note("brand", "m-1", "no JSON", "{")
    topics = Topics(database)
    topics.note("brand", TOPIC, None)
    topics.approve("brand", TOPIC)
    topics.mark_confirmed("brand", TOPIC)
    topics.note("brand", OTHER_TOPIC, None)


def _fill_drafts(session: Session) -> None:
    desk = Desk(session.config, session, Jobs(session.config.path), Texts())
    drafts = Drafts(desk)
    known = {"kind": "connectors", "name": "shelf", "base": f"# an older one\n{CONFIG}"}
    typed = {"shelf.key": Secret(CANARY)}
    findings = [("brand", "it answers", True), ("Acme", "no answer", False)]
    drafts.save(Kept(id="known", **known, changes={"pages": 4}, typed=typed, findings=findings))
    portals = {"new": {"url": "http://127.0.0.1:9", "auth": "oauth2-code", "client_id": "id"}}
    portals["new"]["client_secret"] = {"env": "API_TOKEN"}
    changes = {"plugin": "acme", "portal": "new", "key": {"env": "API_TOKEN"}}
    fresh = {"kind": "connectors", "name": "fresh", "base": CONFIG}
    drafts.save(Kept(id="fresh", **fresh, changes=changes, portals=portals, step=2))
    auth = desk.portal_auth("code")
    assert isinstance(auth, OAuth2)
    auth.custody.save(Token(Secret("an access token"), time.time() + 3600, Secret("refresh")))


def _fill_plans(session: Session) -> None:
    plans = Plans(session.database)
    for is_begun in (False, True):
        number = plans.begin("stock", full=False, basis={"pages": "3"})
        asset = {"title": "Two", "why": "new", "fingerprint": "v1", "source_id": "id-002", "action": "new"}
        spends = {"credits": 2}
        known = PlannedAsset(**asset, size=1024, requests=5, spends=spends)
        unknown = PlannedAsset(**{**asset, "source_id": "id-003", "action": "version"})
        plans.add(number, [known, unknown], 0)
        totals = {"actions": {"new": 1, "version": 1}, "bytes": 1024, "without_size": 1, "requests": 5}
        plans.complete(number, {**totals, "minutes": 0.5, "spends": spends})
        if is_begun:
            plans.mark_begun(number)
