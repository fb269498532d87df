"""`damlink serve` and `damlink run` while somebody changes the config: real processes, real files."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import attrs
import httpx
import pytest
from loopback import Site, assert_arrived_once_and_whole, until

from damlink._serve.follower import POLL_SECONDS
from damlink._state.database import Database
from damlink._state.runs import Runs
from damlink_sandbox import Fault


@attrs.define
class Serving:
    """A running `damlink serve`, and what it has said so far."""

    site: Site
    child: subprocess.Popen[str]
    lines: list[str] = attrs.field(factory=list)

    def listen(self) -> None:
        assert self.child.stderr is not None
        for line in self.child.stderr:
            self.lines.append(line)

    def says(self, *words: str) -> str:
        """The first line with these words, once there is one."""
        return str(until(lambda: next((line for line in [*self.lines] if all(w in line for w in words)), "")))

    def says_now(self, words: str, *, after: str) -> bool:
        """Whether something has been said after something else."""
        return words in "".join(self.lines).rpartition(after)[2]

    def ready(self) -> str:
        url = self.lines[0].split()[-1]
        return httpx.get(f"{url}/readyz", trust_env=False).text


@contextlib.contextmanager
def serving(site: Site, *command: str) -> Iterator[Serving]:
    site.tables["serve"] = {"port": 0}
    site.write()
    with site.start(*(command or ("serve",))) as child:
        running = Serving(site, child)
        listener = Thread(target=running.listen)
        listener.start()
        try:
            until(lambda: running.lines)
            yield running
        finally:
            child.send_signal(signal.SIGTERM)
            assert child.wait(60) == 0
            listener.join()


def licences(site: Site) -> int:
    return int(site.sandbox.world.counts["licences"])


@contextlib.contextmanager
def running(site: Site) -> Iterator[None]:
    with site.start("run") as child:
        yield
        child.communicate(timeout=60)


@pytest.mark.parametrize("start", [serving, running], ids=["serve", "run"])
@pytest.mark.parametrize("how", ["disable", "taken out"])
def test_connector_when_disabled_spends_no_further_licence_and_loses_nothing(
    site: Site, start: Callable[..., Any], how: str
) -> None:
    held = Fault("istock", "POST /v3/downloads", "delay", skip=2, seconds=600, times=0)
    site.sandbox.world.faults.add(held)
    with start(site):
        until(lambda: held.struck)
        stop(site, how)
        spent = licences(site)
        held.seconds = 0.0
        until(lambda: not active(site))
        assert licences(site) <= spent + 1  # one request was under way
    assert spent < len(site.licensed())
    resume(site)
    site.run("run")
    assert licences(site) == len(site.licensed())
    assert_arrived_once_and_whole(site, set(site.licensed()))


def stop(site: Site, how: str) -> None:
    """Have the connector rest."""
    if how == "disable":
        site.run("disable", "stock")
    else:
        site.tables["taken"] = site.tables["connectors"].pop("stock")
        rewrite(site, {name: table for name, table in site.tables.items() if name != "taken"})


def rewrite(site: Site, tables: dict[str, Any]) -> None:
    """Replace the config in one step, as an editor does."""
    whole = attrs.evolve(site, tables=tables, folder=site.folder / "new")
    whole.folder.mkdir(exist_ok=True)
    whole.write()
    (whole.folder / "damlink.toml").replace(site.folder / "damlink.toml")


def resume(site: Site) -> None:
    """Have it go on."""
    taken = site.tables.pop("taken", None)
    if taken is not None:
        site.tables["connectors"]["stock"] = taken
        site.write()
    site.run("enable", "stock")


def active(site: Site) -> bool:
    """Whether a run of it has not ended."""
    with contextlib.closing(Database("sqlite:///damlink.db", site.folder)) as database:
        return any(run.finished_at is None for run in Runs(database, "stock").latest())


# --- what is applied -------------------------------------------------------------------------------


def test_config_when_faulty_is_shown_and_the_one_before_goes_on(site: Site) -> None:
    with serving(site) as running:
        running.says("stock: run ended")
        whole = (site.folder / "damlink.toml").read_text()
        (site.folder / "damlink.toml").write_text(f"{whole}\nwrokers = 4\n")
        assert "wrokers" in running.says("ERROR", "the config is not applied, and what was before goes on")
        assert running.ready().startswith("ok\nthe config is not applied")
        assert not running.says_now("run ended", after="is not applied")
        (site.folder / "damlink.toml").write_text(whole)
        until(lambda: running.ready() == "ok\n")


def test_config_when_a_connector_is_added_edited_and_taken_out_is_followed_within_two_seconds(
    site: Site,
) -> None:
    took = []
    with serving(site) as running:
        running.says("stock: run ended")
        for change, said in (
            ({"later": {**site.tables["connectors"]["stock"], "download_notes": "x"}}, "now runs: later"),
            ({"later": {**site.tables["connectors"]["stock"], "workers": 2}}, "changed: later"),
            ({"later": None}, "rests now: later"),
        ):
            site.tables["connectors"] = present({**site.tables["connectors"], **change})
            began = time.monotonic()
            rewrite(site, site.tables)
            running.says("config applied", said)
            took.append(time.monotonic() - began)
        running.says("later: run ended")
        assert running.ready() == "ok\n"
    assert min(took) < 2  # each time, if nothing else keeps the machine busy
    assert 3 * POLL_SECONDS < 2


def present(connectors: dict[str, Any]) -> dict[str, Any]:
    return {name: table for name, table in connectors.items() if table is not None}


# --- what is said ----------------------------------------------------------------------------------


def test_serve_says_a_line_for_each_run_and_rejected_asset(site: Site) -> None:
    gone = '{"ErrorCode": "ImageNotFound", "ErrorMessage": "there is no such image"}'
    site.sandbox.world.faults.add(Fault("istock", "POST /v3/downloads/images", status=404, body=gone))
    with serving(site) as running:
        running.says("INFO stock: run begins")
        assert "10 pushed" in running.says("INFO stock: run ended", "1 rejected")
        running.says("INFO stock: ", "is rejected: iStock no longer offers it")
    assert sum("run begins" in line or "run ended" in line for line in running.lines) == 2


def test_serve_when_quiet_says_nothing_of_runs(site: Site) -> None:
    with serving(site, "serve", "--quiet") as running:
        until(lambda: len(site.stored()) == len(site.licensed()))
        until(lambda: not active(site))
    assert len(running.lines) == 1


def test_serve_when_the_log_is_json_says_all_in_json(site: Site) -> None:
    with serving(site, "--log-format", "json", "serve") as running:
        running.says("run ended")
    messages = [json.loads(line)["message"] for line in running.lines]
    assert messages[0].startswith("listening on http://127.0.0.1:")
    assert messages[1] == "stock: run begins"
