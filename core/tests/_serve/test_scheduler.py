"""When connectors run, by a clock of the test's own; the runs are real."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest

from damlink._config.edit import document
from damlink._config.load import load
from damlink._model import SourceAsset
from damlink._run.session import Session
from damlink._serve.scheduler import ConnectorLoop, Schedule
from damlink._state.inbox import Inbox
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.rows import RowState
from damlink._state.runs import RunRecord, Runs

PLUGIN = """
import time
import attrs
from pathlib import Path
from damlink import *

about = About(title="Acme", summary="Pictures.", every="2h")

@attrs.frozen
class settings_class:
    folder: str = setting()

def note(ctx, line):
    with (Path(ctx.settings.folder) / "log").open("a") as log:
        log.write(f"{line}\\n")

@hookimpl
def list_source_assets(ctx):
    note(ctx, f"list {ctx.connector}")
    if (Path(ctx.settings.folder) / "refused").exists():
        raise AuthError("the key was refused")
    yield SourceAsset("1", "a")

@hookimpl
def transform(ctx, source):
    note(ctx, f"carry {source.source_id}")
    while (Path(ctx.settings.folder) / "slow").exists():
        time.sleep(0.01)
    while (Path(ctx.settings.folder) / "asks for ever").exists():
        ctx.bynder.assets.get("A")
    return Skip("enough")

@hookimpl
def push(source):
    return PushResult(source.source_id)
"""
HEARING = PLUGIN.replace(', every="2h"', "").replace("list_source_assets(ctx)", "on_event(ctx)")


@attrs.define
class Time:
    """A clock that moves when it is told to."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **lapse: float) -> None:
        self.now += timedelta(**lapse)


@attrs.define
class Site:
    """A config with connectors of the plugin, and a clock."""

    folder: Path
    session: Session
    time: Time

    def schedule(self) -> Schedule:
        return Schedule(self.session)

    def loop(self) -> ConnectorLoop:
        (loop,) = self.schedule().loops
        return loop

    def runs(self, name: str = "stock") -> list[RunRecord]:
        return Runs(self.session.database, name).latest(500)[::-1]

    def bring(self, *ids: str, name: str = "stock") -> None:
        assets = [SourceAsset(each, "a") for each in ids]
        Inbox(self.session.database).settle((), {name: assets})

    @property
    def log(self) -> list[str]:
        path = self.folder / "log"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def made(tmp_path: Path, install: Callable[..., Path], server: Any) -> Iterator[Callable[..., Site]]:
    install("acme", PLUGIN)
    install("ear", HEARING)
    sessions = []

    def make(pace: int = 1_000_000, **connectors: dict[str, Any]) -> Site:
        given = connectors or {"stock": {}}
        tables = {
            "pace": {"requests": pace, "share": 1.0},
            "portals": {"brand": {"url": server.url, "token": {"env": "DAMLINK_KEY"}}},
            "connectors": {
                name: {"plugin": "acme", "folder": str(tmp_path), **table} for name, table in given.items()
            },
        }
        (tmp_path / "damlink.toml").write_text(document(tables))
        time_ = Time()
        sessions.append(Session(load(tmp_path / "damlink.toml"), now=time_))
        return Site(tmp_path, sessions[-1], time_)

    yield make
    for session in sessions:
        session.__exit__(None, None, None)


@pytest.fixture
def site(made: Callable[..., Site]) -> Site:
    return made()


# --- when ------------------------------------------------------------------------------------------


def test_schedule_when_a_day_passes_runs_every_two_hours_with_a_little_jitter(site: Site) -> None:
    loop = site.loop()
    for _ in range(24 * 20):
        loop.step()
        site.time.pass_by(minutes=3)
    starts = [run.started_at for run in site.runs()]
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert 11 <= len(starts) <= 13
    assert timedelta(minutes=115) <= min(pauses) < max(pauses) <= timedelta(minutes=128)


def test_schedule_when_stopped_for_a_week_catches_up_once(site: Site) -> None:
    site.loop().step()
    site.time.pass_by(days=7)
    restarted = site.loop()
    for _ in range(10):
        restarted.step()
        site.time.pass_by(minutes=1)
    assert len(site.runs()) == 2


def test_schedule_when_restarted_before_the_time_does_not_run_again(site: Site) -> None:
    site.loop().step()
    site.time.pass_by(minutes=60)
    assert site.loop().step() > 0
    assert len(site.runs()) == 1


def test_schedule_when_a_run_died_in_the_middle_runs_at_once(site: Site) -> None:
    Runs(site.session.database, "stock").begin(1)
    site.time.pass_by(minutes=1)
    site.loop().step()
    assert [run.exit_code for run in site.runs()] == [None, 0]


def test_schedule_when_the_clock_is_set_back_runs_once_and_goes_on_by_it(site: Site) -> None:
    loop = site.loop()
    loop.step()
    site.time.pass_by(days=-30)
    for _ in range(3):
        loop.step()
    due = loop.due_at(site.time())
    assert due is not None
    assert (len(site.runs()), due - site.time() <= timedelta(minutes=126)) == (2, True)


def test_schedule_when_config_and_plugin_say_how_often_follows_the_config(made: Callable[..., Site]) -> None:
    site = made(stock={"every": "10m"})
    site.loop().step()
    due = site.loop().due_at(site.time())
    assert due is not None
    assert timedelta(minutes=9) <= due - site.time() <= timedelta(minutes=11)


def test_schedule_when_connectors_are_alike_begins_them_at_different_times(made: Callable[..., Site]) -> None:
    site = made(**{f"stock-{number}": {} for number in range(4)})
    loops = site.schedule().loops
    for loop in loops:
        loop.step()
    assert len({loop.due_at(site.time()) for loop in loops}) == 4


def test_schedule_when_a_connector_is_off_or_only_asked_for_by_hand_leaves_it_alone(
    made: Callable[..., Site], install: Callable[..., Path]
) -> None:
    install("quiet", PLUGIN.replace(', every="2h"', ""))
    site = made(off={"enabled": False}, quiet={"plugin": "quiet"}, ear={"plugin": "ear"}, on={})
    assert [loop.name for loop in site.schedule().loops] == ["ear", "on"]


# --- what is due without a listing -----------------------------------------------------------------


def test_schedule_when_events_brought_assets_carries_them_without_listing(made: Callable[..., Site]) -> None:
    site = made(ear={"plugin": "ear"})
    site.bring("7", "8", name="ear")
    site.time.pass_by(seconds=1)
    loop = site.loop()
    loop.step()
    assert sorted(site.log) == ["carry 7", "carry 8"]
    assert [run.listing for run in site.runs("ear")] == [False]
    assert loop.step() > 0
    assert len(site.runs("ear")) == 1


def test_schedule_when_events_come_during_a_run_lets_that_run_carry_them(
    made: Callable[..., Site], eventually: Callable[..., Any]
) -> None:
    site = made(stock={"workers": 1})
    slow = site.folder / "slow"
    slow.touch()
    schedule = started(site, eventually)
    site.bring("2")
    slow.unlink()
    eventually(lambda: site.log == ["list stock", "carry 1", "carry 2"])
    schedule.stop()
    assert schedule.join(60)
    assert len(site.runs()) == 1


def test_schedule_when_events_come_between_listings_does_not_move_the_next_one(site: Site) -> None:
    loop = site.loop()
    loop.step()
    due = loop.due_at(site.time())
    site.time.pass_by(minutes=30)
    site.bring("7")
    site.time.pass_by(seconds=1)
    loop.step()
    assert ([run.listing for run in site.runs()], loop.due_at(site.time())) == ([True, False], due)


def test_schedule_when_another_run_is_active_tries_again_soon_and_skips_nothing(site: Site) -> None:
    loop = site.loop()
    with Lease(site.session.database, "stock"):
        assert 0 < loop.step() <= 2
        assert site.runs() == []
    loop.step()
    assert len(site.runs()) == 1


# --- what goes wrong -------------------------------------------------------------------------------


def test_schedule_when_the_key_is_refused_tries_less_and_less_often(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    (site.folder / "refused").touch()
    site.bring("7")
    loop = site.loop()
    for _ in range(60):
        loop.step()
        site.time.pass_by(minutes=1)
    assert 1 <= len(site.runs()) <= 7
    assert "the key was refused" in caplog.text


def test_schedule_when_a_listing_broke_off_does_not_wait_for_the_interval(site: Site) -> None:
    (site.folder / "refused").touch()
    loop = site.loop()
    loop.step()
    (site.folder / "refused").unlink()
    loop.step()
    site.time.pass_by(minutes=1)
    loop.step()
    assert [run.exit_code for run in site.runs()] == [4, 0]


def test_schedule_when_the_clock_is_set_back_after_a_failure_waits_for_nothing(site: Site) -> None:
    (site.folder / "refused").touch()
    loop = site.loop()
    loop.step()
    site.time.pass_by(days=-1)
    loop.step()
    assert len(site.runs()) == 2


def test_schedule_when_a_setting_is_wrong_keeps_the_others(
    made: Callable[..., Site], caplog: pytest.LogCaptureFixture
) -> None:
    site = made(stock={}, broken={"folder": {"env": "NOT_SET"}}, gone={"plugin": "nowhere"})
    for loop in site.schedule().loops:
        loop.step()
    assert [len(site.runs(name)) for name in ("stock", "broken", "gone")] == [1, 0, 0]
    assert "connectors.broken.folder: the environment variable NOT_SET is not set" in caplog.text
    assert "nowhere" in caplog.text


# --- the end ---------------------------------------------------------------------------------------


def started(site: Site, eventually: Callable[..., Any]) -> Schedule:
    """A schedule whose first run is carrying an asset."""
    schedule = site.schedule()
    schedule.start()
    eventually(lambda: "carry 1" in site.log)
    return schedule


def test_schedule_when_stopped_lets_what_is_under_way_finish(
    made: Callable[..., Site], eventually: Callable[..., Any]
) -> None:
    site = made(stock={"workers": 1})
    slow = site.folder / "slow"
    slow.touch()
    schedule = started(site, eventually)
    site.bring("2")
    schedule.stop()
    assert schedule.is_alive
    slow.unlink()
    assert schedule.join(60)
    rows = {row.source_id: row.state for row in Ledger(site.session.database, "stock").rows()}
    assert rows == {"1": RowState.SKIPPED, "2": RowState.DUE}
    assert site.runs()[-1].exit_code == 130


@pytest.mark.parametrize("pace", [1_000_000, 2], ids=["asking", "held by the pace"])
def test_schedule_when_stopped_for_too_long_sends_nothing_more(
    made: Callable[..., Site], eventually: Callable[..., Any], server: Any, pace: int
) -> None:
    site = made(pace, stock={})
    server.always(200, b'{"id": "A", "name": "Beach"}')
    (site.folder / "asks for ever").touch()
    schedule = started(site, eventually)
    eventually(lambda: server.asked)
    schedule.stop()
    assert schedule.join(6) or schedule.join(60)
    (row,) = Ledger(site.session.database, "stock").rows()
    assert (row.state, site.runs()[-1].exit_code) == (RowState.DUE, 130)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("stock")]


def test_schedule_when_stopped_while_the_pace_holds_it_for_minutes_ends_at_once(
    made: Callable[..., Site], eventually: Callable[..., Any], server: Any
) -> None:
    site = made(2, stock={})
    server.always(200, b'{"id": "A", "name": "Beach"}')
    (site.folder / "asks for ever").touch()
    schedule = started(site, eventually)
    eventually(lambda: server.asked)
    schedule.stop()
    began = time.monotonic()
    assert schedule.join(60)
    assert time.monotonic() - began < 50, "it was interrupted in the last seconds only"
    assert site.runs()[-1].exit_code == 130


# --- another version of the config -----------------------------------------------------------------

CHANGES: dict[str, tuple[dict[str, Any], set[str], set[str]]] = {
    "nothing": ({"a": {}, "b": {}}, {"a", "b"}, set()),
    "added": ({"a": {}, "b": {}, "c": {}}, {"a", "b"}, {"c"}),
    "taken out": ({"a": {}}, {"a"}, set()),
    "disabled": ({"a": {}, "b": {"enabled": False}}, {"a"}, set()),
    "interval": ({"a": {}, "b": {"every": "1h"}}, {"a"}, {"b"}),
    "workers": ({"a": {}, "b": {"workers": 2}}, {"a"}, {"b"}),
    "setting": ({"a": {}, "b": {"folder": "elsewhere"}}, {"a"}, {"b"}),
    "faulty setting": ({"a": {}, "b": {"fodler": "x"}}, {"a", "b"}, set()),
    "faulty plugin": ({"a": {}, "b": {"plugin": "none"}}, {"a", "b"}, set()),
    "faulty from the start": ({"a": {}, "b": {}, "c": {"fodler": "x"}}, {"a", "b"}, {"c"}),
}


@pytest.mark.parametrize(("connectors", "kept", "new"), CHANGES.values(), ids=CHANGES.keys())
def test_schedule_when_the_config_changes_keeps_what_is_the_same_and_begins_what_is_not(
    made: Callable[..., Site], connectors: dict[str, Any], kept: set[str], new: set[str]
) -> None:
    site = made(a={}, b={})
    schedule = site.schedule()
    before = {loop.name: loop for loop in schedule.loops}
    schedule.start()
    site.session.follow(made(**connectors).session.config)
    errors = schedule.follow()
    after = {loop.name: loop for loop in schedule.loops}
    schedule.stop()
    assert schedule.join(60)
    assert {name for name in after if after[name] is before.get(name)} == kept
    assert after.keys() - kept == new
    assert bool(errors) == any(word in str(connectors) for word in ("fodler", "none"))
    assert {name for name in before if before[name].stopping.soon.is_set()} == {"a", "b"}


def test_schedule_when_the_portal_changes_begins_anew(made: Callable[..., Site]) -> None:
    site = made()
    schedule, before = site.schedule(), site.session.config
    (old,) = schedule.loops
    portal = attrs.evolve(before.portals["brand"], table={**before.portals["brand"].table, "index_lag": "9s"})
    site.session.follow(attrs.evolve(before, portals={"brand": portal}))
    schedule.follow()
    assert schedule.loops != [old]


def test_keeper_when_the_file_says_disabled_runs_nothing_although_nobody_has_followed_it(
    site: Site,
) -> None:
    loop = site.loop()
    path = site.folder / "damlink.toml"
    path.write_text(path.read_text().replace("plugin =", "enabled = false\nplugin ="))
    loop.step()
    assert site.runs() == []
