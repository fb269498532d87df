"""From the inbox to the ledgers, against the sandbox's portal."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from ledger_rows import claim
from loopback import until

from damlink._config.edit import document
from damlink._config.load import load
from damlink._http.pace import Pace
from damlink._model import PushResult
from damlink._run.session import Session
from damlink._serve.dispatcher import Dispatcher
from damlink._serve.event_calls import EventCalls
from damlink._state.inbox import Inbox, Notification
from damlink._state.latencies import STEP, Latencies
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.rows import RowState
from damlink._state.tables import inbox as inbox_table
from damlink_sandbox import Fault, Sandbox

PLUGIN = """
import attrs
from pathlib import Path
from damlink import *

@attrs.frozen
class settings_class:
    folder: str = setting()
    tag: str = setting(default="print")

@hookimpl
def on_event(ctx, event):
    folder = Path(ctx.settings.folder)
    if (folder / f"{ctx.connector} is broken").exists():
        raise RuntimeError("broken")
    if (folder / f"{ctx.connector} is early").exists():
        raise NotYet("too early", 25)
    with (folder / ctx.connector).open("a") as heard:
        heard.write(f"{event.kind.split('.')[-1]} {event.asset_id} {event.asset and event.asset['name']}\\n")
    if event.asset and ctx.settings.tag in event.asset.get("tags", ()):
        yield SourceAsset(event.asset_id, event.asset["name"])

@hookimpl
def transform(source):
    return Skip("enough")

@hookimpl
def push(source):
    return PushResult(source.source_id)
"""
HANGS = PLUGIN.replace("import attrs\n", "import attrs, time\n").replace(
    "    with (folder /",
    "    while (folder / f'{ctx.connector} hangs').exists():\n        time.sleep(0.01)\n    with (folder /",
)
RUDE = PLUGIN.replace("import attrs\n", "import attrs, sys\n").replace(
    "    with (folder /",
    "    if event.asset and event.asset['name'] == 'Rude':\n"
    "        yield eval((folder / 'rude').read_text(), globals())\n    with (folder /",
)
DEAF = PLUGIN.replace("on_event(ctx, event)", "list_source_assets(ctx)").replace(
    "    folder = ", "    return\n    folder = "
)
PAUSE = 5.0
LONGEST_CALL = 60.0


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([], media=[]) as running:
        running.part("bynder").control("lag", {"index": 0.0})
        running.part("bynder").control("pace", {"requests": 1_000_000, "seconds": 300})
        yield running


@attrs.define
class Scene:
    """One database, one portal, and connectors that write down what they hear."""

    sandbox: Sandbox
    folder: Path
    session: Session
    dispatcher: Dispatcher
    numbers: Iterator[int] = attrs.field(factory=itertools.count)

    def now(self) -> datetime:
        return self.sandbox.world.clock.now()

    def control(self, action: str, **body: Any) -> Any:
        return self.sandbox.part("bynder").control(action, body)

    def asset(self, name: str = "Beach", *tags: str) -> str:
        return str(self.control("add_asset", name=name, tags=tags or ("print",))["id"])

    def tell(self, asset_id: str, kind: str = "media.meta_updated", **content: Any) -> None:
        told = Notification(
            portal="brand",
            topic="topic",
            message_id=f"message {next(self.numbers)}",
            subject=f"asset_bank.{kind}" if kind else "",
            message=json.dumps({"media_id": asset_id, **content}),
            occurred_at=self.now(),
        )
        self.inbox.put(told)

    def work(self, seconds: float = PAUSE + 1) -> bool:
        self.sandbox.world.clock.advance(seconds)
        return self.dispatcher.step()

    @property
    def inbox(self) -> Inbox:
        return Inbox(self.session.database)

    def heard(self, connector: str = "print") -> list[str]:
        path = self.folder / connector
        return path.read_text().splitlines() if path.exists() else []

    def due(self, connector: str = "print") -> list[str]:
        return [row.source_id for row in Ledger(self.session.database, connector).rows(RowState.DUE)]

    def asked(self) -> Counter[str]:
        counts = self.sandbox.world.counts.as_dict().items()
        return Counter({name: number for name, number in counts if name.startswith("portal GET")})


@pytest.fixture
def made(sandbox: Sandbox, tmp_path: Path, install: Callable[..., Path]) -> Iterator[Callable[..., Scene]]:
    install("heard", PLUGIN)
    install("deaf", DEAF)
    install("rude", RUDE)
    install("hangs", HANGS)
    sessions = []

    def make(**connectors: dict[str, Any]) -> Scene:
        (tmp_path / "portal.secret").write_text(sandbox.part("bynder").connector()["token"])
        portal = {"url": sandbox.origins["portal"], "token": {"file": "portal.secret"}}
        given = connectors or {"print": {}}
        tables = {
            "portals": {"brand": portal},
            "connectors": {
                name: {"plugin": "heard", "portal": "brand", "folder": str(tmp_path), **table}
                for name, table in given.items()
            },
        }
        (tmp_path / "damlink.toml").write_text(document(tables))
        pace = Pace(tmp_path / "pace.db", 1_000_000, share=1.0)
        session = Session(load(tmp_path / "damlink.toml"), now=sandbox.world.clock.now, pace=pace)
        sessions.append(session)
        calls = EventCalls(LONGEST_CALL)
        return Scene(sandbox, tmp_path, session, Dispatcher(session, calls=calls))

    yield make
    for session in sessions:
        session.pace.close()
        session.__exit__(None, None, None)


@pytest.fixture
def scene(made: Callable[..., Scene]) -> Scene:
    return made()


# --- what is heard ---------------------------------------------------------------------------------


def test_events_when_they_come_make_assets_due_once_they_rest(scene: Scene) -> None:
    asset = scene.asset()
    scene.tell(asset)
    assert not scene.work(1)
    assert scene.work()
    assert (scene.due(), scene.inbox.open_count()) == ([asset], 0)


def test_delivery_that_an_event_has_caused_is_measured_from_the_first_notification(scene: Scene) -> None:
    asset, received = scene.asset(), scene.now()
    scene.tell(asset, "media.create")
    scene.sandbox.world.clock.advance(2)
    scene.tell(asset)
    scene.work()
    with Lease(scene.session.database, "print") as lease:
        ledger = Ledger(scene.session.database, "print", lease.epoch)
        ledger.mark_pushed(claim(ledger), PushResult("target"))
    seconds = (scene.now() - received).total_seconds()
    # Another dispatcher looks at once; this one has looked a moment ago.
    Dispatcher(scene.session).step()
    (found,) = Latencies(scene.session.database).read(received.date()).values()
    assert found.count == 1
    assert seconds / STEP <= found.p50 <= seconds * STEP


def test_events_when_several_are_about_one_asset_are_heard_as_one(scene: Scene) -> None:
    asset = scene.asset()
    for kind in ("create", "updated", "meta_updated"):
        scene.tell(asset, f"media.{kind}")
    scene.work()
    assert scene.heard() == [f"meta_updated {asset} Beach"]


def test_events_when_of_many_assets_read_them_in_one_request(made: Callable[..., Scene]) -> None:
    scene = made(print={}, press={"tag": "press"})
    ids = scene.control("add_asset", name="Beach", tags=["print"], times=60)["ids"]
    for asset in ids:
        scene.tell(asset)
    before = scene.asked()
    scene.work()
    assert (sorted(scene.due()), scene.due("press")) == (sorted(ids), [])
    assert len(scene.heard()) == len(scene.heard("press")) == 60
    assert (scene.asked() - before).total() == 1


@pytest.mark.parametrize("kind", ["deleted", "meta_updated"])
def test_events_when_the_asset_is_gone_are_heard_without_it(scene: Scene, kind: str) -> None:
    asset = scene.asset()
    scene.control("delete_asset", id=asset)
    scene.tell(asset, f"media.{kind}")
    scene.work()
    assert scene.heard() == [f"{kind} {asset} None"]
    assert (scene.due(), scene.inbox.open_count()) == ([], 0)


def test_events_when_the_asset_is_archived_are_heard_with_it(scene: Scene) -> None:
    asset = scene.asset()
    scene.control("change_asset", id=asset, archive=True)
    scene.tell(asset, "media.archived")
    scene.work()
    assert scene.heard() == [f"archived {asset} Beach"]


def test_events_when_lists_lag_behind_are_heard_with_the_asset_as_it_is(scene: Scene) -> None:
    asset = scene.asset("Old")
    scene.sandbox.world.clock.advance(3600)
    scene.control("lag", index=60.0)
    try:
        scene.control("change_asset", id=asset, name="New")
        scene.tell(asset)
        scene.work()
    finally:
        scene.control("lag", index=0.0)
        scene.sandbox.world.clock.advance(60)
    assert scene.heard() == [f"meta_updated {asset} New"]


@pytest.mark.parametrize(
    ("subject", "media_id"),
    [
        pytest.param("workflow.job.create", None, id="of a job"),
        pytest.param("", None, id="without a subject"),
        pytest.param("media.updated", "../../secret", id="no id of an asset"),
    ],
)
def test_events_when_they_name_no_asset_are_closed_and_ask_nothing(
    scene: Scene, subject: str, media_id: Any
) -> None:
    before = scene.asked()
    scene.tell(media_id, subject)
    assert scene.work()
    assert (scene.heard(), scene.inbox.open_count(), scene.asked() - before) == ([], 0, Counter())


def test_events_when_of_an_unknown_kind_are_heard_all_the_same(scene: Scene) -> None:
    asset = scene.asset()
    scene.tell(asset, "media.repainted")
    scene.work()
    assert scene.heard() == [f"repainted {asset} Beach"]


def test_events_when_nobody_hears_them_are_closed(made: Callable[..., Scene]) -> None:
    scene = made(deaf={"plugin": "deaf"}, off={"enabled": False})
    before = scene.asked()
    scene.tell(scene.asset())
    assert scene.work()
    assert (scene.inbox.open_count(), scene.asked() - before, scene.heard("off")) == (0, Counter(), [])


# --- what goes wrong -------------------------------------------------------------------------------


def test_events_when_one_connector_fails_reach_the_others_and_come_again_for_it(
    made: Callable[..., Scene], caplog: pytest.LogCaptureFixture
) -> None:
    scene = made(print={}, press={})
    (scene.folder / "press is broken").touch()
    asset = scene.asset()
    scene.tell(asset)
    scene.work()
    assert (scene.due(), scene.due("press"), scene.inbox.open_count()) == ([asset], [], 1)
    assert "press: asset_bank.media.meta_updated" in caplog.text
    assert not scene.work(30)
    (scene.folder / "press is broken").unlink()
    assert scene.work(60)
    assert (scene.due("press"), scene.inbox.open_count(), len(scene.heard())) == ([asset], 0, 1)


def test_events_when_a_connector_fails_for_ever_are_given_up_with_the_cause(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    (scene.folder / "print is broken").touch()
    scene.tell(scene.asset())
    rounds = sum(scene.work(86_400) for _ in range(5))
    assert (rounds, scene.inbox.open_count()) == (5, 1)
    rounds += sum(scene.work(86_400) for _ in range(9))
    assert (rounds, scene.inbox.open_count()) == (12, 0)
    (given_up,) = [record.message for record in caplog.records if "given up" in record.message]
    assert "RuntimeError: broken" in given_up


def test_events_when_a_hook_does_not_return_reach_the_others_and_come_again_for_it(
    made: Callable[..., Scene],
) -> None:
    scene = made(press={"plugin": "hangs"}, print={})
    scene.dispatcher = Dispatcher(scene.session, calls=EventCalls(0.05))
    (scene.folder / "press hangs").touch()
    first, second = scene.asset(), scene.asset("Dune")
    scene.tell(first)
    scene.tell(second)
    scene.work()
    assert (scene.due("press"), sorted(scene.due())) == ([], sorted([first, second]))
    (scene.folder / "press hangs").unlink()
    until(lambda: scene.work(3600) and len(scene.due("press")) == 2)
    assert (sorted(scene.due("press")), scene.inbox.open_count()) == (sorted([first, second]), 0)


def test_events_when_a_hook_does_not_return_say_which_and_what_to_do(
    made: Callable[..., Scene], caplog: pytest.LogCaptureFixture
) -> None:
    scene = made(press={"plugin": "hangs"})
    scene.dispatcher = Dispatcher(scene.session, calls=EventCalls(0.05))
    (scene.folder / "press hangs").touch()
    scene.tell(scene.asset())
    scene.work()
    (scene.folder / "press hangs").unlink()
    assert (
        "press: on_event has not returned for more than 0 s; kill -9 of this process is safe" in caplog.text
    )


def test_events_when_a_connector_cannot_be_opened_reach_the_others(made: Callable[..., Scene]) -> None:
    scene = made(print={}, press={"tag": {"env": "NOT_SET"}}, missing={"plugin": "nowhere"})
    asset = scene.asset()
    scene.tell(asset)
    scene.work()
    assert (scene.due(), scene.inbox.open_count()) == ([asset], 1)


def test_events_when_the_portal_does_not_answer_stay_in_the_inbox(
    scene: Scene, hurried: None, caplog: pytest.LogCaptureFixture
) -> None:
    scene.tell(scene.asset())
    scene.sandbox.world.faults.add(Fault(service="portal", match="GET", kind="status", status=503, times=0))
    try:
        assert not scene.work()
        assert not scene.work()
    finally:
        scene.sandbox.world.faults.clear()
    assert (scene.heard(), scene.inbox.open_count()) == ([], 1)
    assert caplog.text.count("events wait") == 1


@pytest.mark.parametrize("status", [403, 500])
def test_events_when_one_asset_cannot_be_read_reach_the_connectors_about_the_others(
    scene: Scene, hurried: None, status: int
) -> None:
    sick, sound = scene.asset("Sick"), scene.asset("Sound")
    scene.sandbox.world.clock.advance(3600)
    for asset in (sick, sound):
        scene.tell(asset)  # no list is fresh enough: each is asked for
    fault = Fault(service="portal", match=f"GET /api/v4/media/{sick}", kind="status", status=status, times=0)
    scene.sandbox.world.faults.add(fault)
    try:
        assert scene.work()
    finally:
        scene.sandbox.world.faults.clear()
    assert (scene.due(), scene.inbox.open_count()) == ([sound], 1)
    assert scene.work(60)
    assert sorted(scene.due()) == sorted([sick, sound])


# --- side by side ----------------------------------------------------------------------------------


def test_dispatcher_when_another_process_works_stands_by_until_it_ends(
    scene: Scene, eventually: Callable[..., Any]
) -> None:
    asset = scene.asset()
    with Lease(scene.session.database, "~events"):
        scene.tell(asset)
        scene.sandbox.world.clock.advance(10)
        scene.dispatcher.start()
        assert scene.dispatcher.is_alive
        assert scene.inbox.open_count() == 1
    eventually(lambda: scene.due() == [asset])
    scene.dispatcher.stop()
    eventually(lambda: not scene.dispatcher.is_alive)


def test_connector_when_it_is_too_early_hears_of_it_again_when_it_wants(
    made: Callable[..., Scene],
) -> None:
    scene = made()
    early = scene.folder / "print is early"
    early.touch()
    scene.tell(scene.asset())
    scene.work()
    early.unlink()
    heard = []
    for seconds in (24, 2):
        scene.work(seconds)
        heard.append(len(scene.heard()))
    assert heard == [0, 1]


# --- rude plugins ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rude", "said"),
    [
        ("sys.exit(0)", "raised SystemExit: 0"),
        ("(_ for _ in ()).throw(GeneratorExit)", "raised GeneratorExit"),
        ("(_ for _ in ()).throw(type('Panic', (BaseException,), {})('panic'))", "raised Panic: panic"),
        ("SourceAsset('a\\0', 'a')", "source_id is str"),
        ("SourceAsset('1', None)", "fingerprint is None"),
        ("SourceAsset('1', 'a', raw={'at': sys})", "raw.at is module"),
        ("None", "gave None instead of SourceAsset"),
    ],
)
def test_events_when_a_plugin_is_rude_to_one_put_off_that_one_alone(
    made: Callable[..., Scene], rude: str, said: str
) -> None:
    scene = made(rude={"plugin": "rude"}, calm={})
    (scene.folder / "rude").write_text(rude)
    odd, fine = scene.asset("Rude"), scene.asset("Beach")
    scene.tell(odd)
    scene.tell(fine)
    scene.work()
    assert (scene.due("rude"), sorted(scene.due("calm"))) == ([fine], sorted([odd, fine]))
    assert scene.inbox.open_count() == 1
    scene.sandbox.world.clock.advance(3600)
    (later,) = scene.inbox.gather("brand", PAUSE)
    assert (later.notification.asset_id, later.attempts) == (odd, 1)
    with scene.session.database.read() as connection:
        assert said in str(connection.execute(sa.select(inbox_table.c.last_error)).scalars().all())
