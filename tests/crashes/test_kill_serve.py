"""`damlink serve`, killed while events pour in, and beside itself on one database."""

from __future__ import annotations

import contextlib
import functools
import json
import queue
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import attrs
import httpx
import pytest
from forks import Forked
from loopback import COMMAND, Site, until
from notifications import notification
from ports import free_port

from damlink._state.database import Database
from damlink._state.inbox import Inbox

PLUGIN = """
import os, time
from pathlib import Path
import attrs
from damlink import *

@attrs.frozen
class settings_class:
    folder: str = setting()

def note(ctx, *words):
    with (Path(ctx.settings.folder) / "log").open("a") as log:
        log.write(" ".join(map(str, words)) + "\\n")

@hookimpl
def list_source_assets(ctx):
    began = time.time()
    time.sleep(0.3)
    note(ctx, os.getpid(), began, time.time())
    return ()

@hookimpl
def on_event(event):
    if event.asset and "print" in event.asset.get("tags", ()):
        yield SourceAsset(event.asset_id, event.asset["name"])

@hookimpl
def transform(ctx, source):
    name = ctx.bynder.assets.get(source.source_id).name
    return PreparedAsset(Content.from_bytes(name.encode(), "name.txt"), name=name)

@hookimpl
def push(ctx, prepared, source):
    if (Path(ctx.settings.folder) / "asleep").exists():
        note(ctx, "asleep")
        time.sleep(600)
    note(ctx, source.source_id)
    try:
        (Path(ctx.settings.folder) / "shelf" / source.source_id).open("x").write(prepared.name)
    except FileExistsError:
        pass
    return PushResult(source.source_id)
"""
LIMIT, WINDOW_SECONDS = 100, 5.0
SENDERS = 6
DEADLINE_SECONDS = 800.0  # of the largest; what a test may take is said beside it
EVERY_SECONDS = 4.0


@pytest.fixture
def shelf(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site with one connector that puts what events bring onto a shelf."""
    distribution = site.folder / "plugin"
    facts = distribution / "damlink_shelf-1.0.dist-info"
    facts.mkdir(parents=True)
    metadata = "Metadata-Version: 2.1\nName: damlink-shelf\nVersion: 1.0\nSummary: A shelf.\n"
    (facts / "METADATA").write_text(f"{metadata}Requires-Dist: damlink\n")
    (facts / "entry_points.txt").write_text("[damlink]\nshelf = damlink_shelf_plugin\n")
    (distribution / "damlink_shelf_plugin.py").write_text(PLUGIN)
    monkeypatch.setenv("PYTHONPATH", str(distribution))
    monkeypatch.syspath_prepend(str(distribution))
    (site.folder / "shelf").mkdir()
    site.portal.control("pace", {"requests": LIMIT, "seconds": WINDOW_SECONDS})
    sns: Any = site.sandbox.part("sns")
    site.tables["portals"]["brand"] |= sns.portal()
    port = free_port()
    site.tables |= {
        "pace": {"requests": LIMIT, "seconds": WINDOW_SECONDS, "share": 0.8},
        "serve": {"port": port, "public_url": f"http://127.0.0.1:{port}", "event_pause": "1s"},
        "connectors": {"shelf": {"plugin": "shelf", "folder": str(site.folder)}},
    }
    site.write()
    return site


@contextlib.contextmanager
def serving(site: Site, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`damlink serve` in a child process; killed at the end if it still runs."""
    with (site.folder / "serve.log").open("a") as log:
        child = Forked(
            [*COMMAND, "serve", *options], cwd=site.folder, env=site.environment, stderr=log, text=True
        )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def lines(site: Site) -> list[list[str]]:
    """What the plugin wrote down."""
    path = site.folder / "log"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


@attrs.define
class Sender:
    """SNS in a hurry: posts signed notifications from several threads, each until it is taken."""

    url: str
    site: Site
    todo: queue.SimpleQueue[str | None] = attrs.field(factory=queue.SimpleQueue)
    taken: int = 0
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def send(self, bodies: list[str]) -> list[threading.Thread]:
        for body in [*bodies, *[None] * SENDERS]:
            self.todo.put(body)
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        return threads

    def has_taken(self, number: int) -> bool:
        return self.taken >= number

    def _work(self) -> None:
        with httpx.Client(trust_env=False, timeout=60) as client:
            while (body := self.todo.get()) is not None:
                while not self._is_taken(client, body):
                    time.sleep(0.05)
                with self._lock:
                    self.taken += 1

    def _is_taken(self, client: httpx.Client, body: str) -> bool:
        try:
            answer = client.post(self.url, content=body, headers={"Content-Type": "text/plain"})
        except httpx.TransportError:
            return False
        assert answer.status_code in (200, 503), answer.text
        return answer.status_code == 200


def notifications(site: Site, assets: list[str], count: int) -> list[str]:
    """So many signed notifications about these assets in any order, a third of them sent before."""
    chance = random.Random(5)
    first = [notification(site, assets[number % len(assets)]) for number in range(count * 2 // 3)]
    all_ = first + chance.sample(first, count - len(first))
    chance.shuffle(all_)
    return all_


def pour(site: Site, count: int, assets: int, kills: int) -> set[str]:
    """Send so many notifications while `damlink serve` is killed and started again; the ids to arrive."""
    wanted = site.portal.control("add_asset", {"name": "Print", "tags": ["print"], "times": assets})["ids"]
    others = site.portal.control("add_asset", {"name": "Other", "times": assets // 10})["ids"]
    bodies = notifications(site, [*wanted, *others], count)
    sender = Sender(site.run("events", "url", "brand").stdout.strip(), site)
    threads = sender.send(bodies)
    for round_ in range(1, kills + 1):
        with serving(site) as child:
            until(functools.partial(sender.has_taken, count * round_ // (kills + 1)), DEADLINE_SECONDS)
            child.send_signal(signal.SIGKILL)
    with serving(site) as child:
        until(lambda: not any(thread.is_alive() for thread in threads), DEADLINE_SECONDS)
        until(lambda: len(list((site.folder / "shelf").iterdir())) >= len(wanted), DEADLINE_SECONDS)
        until(lambda: open_events(site) == 0, DEADLINE_SECONDS)
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == 0
    return {*wanted}


def open_events(site: Site) -> int:
    url = site.tables.get("state", {}).get("url", "sqlite:///damlink.db")
    with contextlib.closing(Database(url, site.folder)) as database:
        return Inbox(database).open_count()


def assert_each_arrived_once(site: Site, wanted: set[str], kills: int) -> None:
    assert {path.name for path in (site.folder / "shelf").iterdir()} == wanted
    carried = Counter(line[0] for line in lines(site))
    repeated = carried - Counter(wanted)
    assert carried.keys() == wanted
    assert repeated.total() <= kills * 4, "what was under way when it was killed, and no more"
    rows = map(json.loads, site.run("assets", "shelf", "--json").stdout.splitlines())
    assert Counter(row["state"] for row in rows) == {"pushed": len(wanted)}
    judged = httpx.get(f"{site.sandbox.origins['control']}/pace", trust_env=False).json()
    assert judged["refused"] == 0, judged


@pytest.mark.timeout(300)
def test_serve_when_killed_while_events_pour_in_imports_each_asset_once(shelf: Site) -> None:
    wanted = pour(shelf, count=600, assets=30, kills=3)
    assert_each_arrived_once(shelf, wanted, kills=3)


@pytest.mark.acceptance
@pytest.mark.timeout(900)
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_serve_when_killed_while_ten_thousand_events_pour_in_imports_each_asset_once(
    shelf: Site, backend: str, request: pytest.FixtureRequest
) -> None:
    if backend == "postgresql":
        shelf.tables["state"] = {"url": request.getfixturevalue("postgres")()}
        shelf.write()
    wanted = pour(shelf, count=10_000, assets=300, kills=3)
    assert_each_arrived_once(shelf, wanted, kills=3)


@pytest.mark.timeout(300)
def test_two_serves_on_one_database_never_overlap_and_skip_no_run(shelf: Site) -> None:
    shelf.connector("shelf", every=f"{EVERY_SECONDS:g}s")
    with serving(shelf, "--port", "0") as one, serving(shelf, "--port", "0") as other:
        until(lambda: len(lines(shelf)) >= 4)
        for child in (one, other):
            child.send_signal(signal.SIGTERM)
        assert [child.wait(60) for child in (one, other)] == [0, 0]
    runs = sorted((float(began), float(ended)) for _, began, ended in lines(shelf))
    assert [(a, b) for a, b in pairwise(runs) if b[0] < a[1]] == []
    assert max(b[0] - a[0] for a, b in pairwise(runs)) < 2 * EVERY_SECONDS


@pytest.mark.acceptance
@pytest.mark.timeout(300)
def test_serve_when_an_asset_does_not_end_leaves_it_to_the_next_start(shelf: Site) -> None:
    asleep = shelf.folder / "asleep"
    asleep.touch()
    (asset,) = shelf.portal.control("add_asset", {"name": "Print", "tags": ["print"], "times": 1})["ids"]
    event = shelf.folder / "event.json"
    event.write_text(json.dumps({"Subject": "asset_bank.media.create", "Message": {"media_id": asset}}))
    shelf.run("events", "send", "brand", str(event))
    with serving(shelf) as child:
        until(lambda: lines(shelf), DEADLINE_SECONDS)
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == 0
    asleep.unlink()
    with serving(shelf):
        until(lambda: (shelf.folder / "shelf" / asset).exists())
