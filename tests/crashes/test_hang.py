"""A hook that never returns does not keep a process from ending, and its asset is carried once afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
import pytest
from forks import Forked
from loopback import until
from rude import plugin

from damlink._config.edit import document

MODULE: Final = "damlink_acme_plugin"
# It waits for a file to go, so that no thread is left when it is let go.
HANG: Final = "hang()"
MORE: Final = """
import pathlib, time
def hang():
    stuck = pathlib.Path(os.environ["PUSHES"]).with_name("stuck")
    if stuck.exists():
        stuck.with_name("began").touch()
    while stuck.exists():
        time.sleep(0.02)
"""


@attrs.define
class Place:
    """A folder with one connector, and child processes in it."""

    folder: Path
    environment: dict[str, str]
    children: list[subprocess.Popen[str]] = attrs.field(factory=list)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        with (self.folder / "err").open("w") as err:
            command = [sys.executable, "-m", "damlink", *arguments]
            child = Forked(command, cwd=self.folder, env=self.environment, stderr=err, text=True)
        self.children.append(child)
        return child

    def run(self, *arguments: str) -> int:
        return self.start(*arguments).wait(100)

    @property
    def said(self) -> str:
        return (self.folder / "err").read_text()

    @property
    def pushes(self) -> list[str]:
        path = self.folder / "pushes"
        return path.read_text().split() if path.exists() else []

    def until_stuck(self) -> None:
        until((self.folder / "began").exists)

    def let_go(self) -> None:
        (self.folder / "stuck").unlink()


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A connector whose hook, the test's `hook`, hangs for asset 1."""
    hook: str = request.getfixturevalue("hook")
    distribution = tmp_path / "plugin"
    facts = distribution / "damlink_acme-1.0.dist-info"
    facts.mkdir(parents=True)
    metadata = "Metadata-Version: 2.1\nName: damlink-acme\nVersion: 1.0\nSummary: It hangs.\n"
    (facts / "METADATA").write_text(f"{metadata}Requires-Dist: damlink\n")
    (facts / "entry_points.txt").write_text(f"[damlink]\nacme = {MODULE}\n")
    (distribution / f"{MODULE}.py").write_text(plugin(**{hook: HANG}, more=MORE).replace(*BEFORE))
    tables = {
        "serve": {"port": 0},
        "portals": {"brand": {"url": "http://127.0.0.1:9", "token": {"env": "TOKEN"}}},
        "connectors": {"stock": {"plugin": "acme", "workers": 1, "every": "1h"}},
    }
    (tmp_path / "damlink.toml").write_text(document(tables))
    (tmp_path / "stuck").touch()
    paths = os.pathsep.join([str(distribution), os.environ.get("PYTHONPATH", "")])
    own = {"TOKEN": "token", "PYTHONPATH": paths, "PUSHES": str(tmp_path / "pushes")}
    place = Place(tmp_path, os.environ | own | {"DAMLINK_STATE_DIR": str(tmp_path)})
    yield place
    for child in place.children:
        child.kill()
        child.wait()


# A delivery is noted after the hook has hung, not before.
BEFORE: Final = (
    "    deliver(source.source_id)\n    if source.source_id == '1':\n        hang()\n",
    "    if source.source_id == '1':\n        hang()\n    deliver(source.source_id)\n",
)
IN_A_THREAD: Final = ("transform", "push")
IN_THE_MAIN_ONE: Final = ("list_source_assets", "authenticate")


@pytest.mark.parametrize("hook", IN_A_THREAD)
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_run_when_a_hook_hangs_ends_at_the_second_signal_and_names_it(
    place: Place, hook: str, first: signal.Signals
) -> None:
    child = place.start("run", "stock")
    place.until_stuck()
    child.send_signal(first)
    until(lambda: "waiting up to 30 s for 1 hook under way" in place.said)
    child.send_signal(signal.SIGINT)
    assert child.wait(100) == 130
    assert f"damlink: stock: {hook} of asset 1 has not returned since 20" in place.said
    assert "kill -9 of this process is safe" in place.said


@pytest.mark.parametrize("hook", IN_A_THREAD)
def test_run_when_a_hook_hung_in_the_last_one_carries_each_asset_once(place: Place, hook: str) -> None:
    child = place.start("run", "stock")
    place.until_stuck()
    child.send_signal(signal.SIGINT)
    until(lambda: "waiting up to" in place.said)
    child.send_signal(signal.SIGINT)
    child.wait(100)
    place.let_go()
    assert place.run("run", "stock") == 0
    assert sorted(place.pushes) == ["1", "2"]


@pytest.mark.parametrize("hook", IN_THE_MAIN_ONE)
def test_run_when_a_hook_hangs_in_the_main_thread_ends_at_the_first_signal(place: Place, hook: str) -> None:
    child = place.start("run", "stock")
    place.until_stuck()
    child.send_signal(signal.SIGTERM)
    assert child.wait(100) == 130
    place.let_go()
    assert place.run("run", "stock") == 0
    assert sorted(place.pushes) == ["1", "2"]


@pytest.mark.parametrize("hook", [*IN_A_THREAD, *IN_THE_MAIN_ONE])
def test_serve_when_a_hook_hangs_ends_at_the_second_signal_and_carries_each_asset_once(
    place: Place, hook: str
) -> None:
    child = place.start("serve")
    place.until_stuck()
    # A signal that comes too soon after the first counts as the first; one more may find it ending already.
    until(lambda: child.send_signal(signal.SIGTERM) or child.poll() is not None, pause=0.3)
    assert child.wait(100) in (130, -signal.SIGTERM)
    place.let_go()
    assert place.run("run", "stock") == 0
    assert sorted(place.pushes) == ["1", "2"]


@pytest.mark.parametrize("hook", ["authenticate"])
def test_check_when_a_hook_hangs_ends_at_the_first_signal(place: Place, hook: str) -> None:
    child = place.start("check", "stock")
    place.until_stuck()
    child.send_signal(signal.SIGINT)
    assert child.wait(100) == 130
