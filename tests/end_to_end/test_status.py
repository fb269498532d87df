"""What the looking commands tell an administrator, on one site that has failed in part."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from loopback import Site

LITERALS = re.compile(r"\{'|\[\]|\(\)|\('|\bTrue\b|\bFalse\b|\bNone\b|datetime\(")


@pytest.fixture
def withdrawn(site: Site) -> Site:
    """A site where one of two assets was rejected."""
    first = sorted(site.licensed())[0]
    site.istock.control("withdraw", {"id": first})
    site.connector(every="2h", title="Stock of EMEA")
    site.run("run", "--limit", "12", expect=1)
    return site


def test_status_when_assets_were_rejected_says_why(withdrawn: Site) -> None:
    shown = withdrawn.run("status").stdout
    assert re.search(r"^Stock of EMEA \(stock\) +istock +brand +[\d :-]{19} \(exit 1\) ", shown, re.M)
    assert "stock: 1 rejected: iStock no longer offers it\n" in shown


def test_status_when_no_process_keeps_the_schedule_says_so_in_place_of_the_time(withdrawn: Site) -> None:
    shown = withdrawn.run("status").stdout
    assert re.search(r" \(exit 1\) +not kept ", shown)
    assert "no schedule is being kept: start `damlink serve`\n" in shown


def test_status_when_serve_runs_says_when_it_runs_next(
    withdrawn: Site, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    withdrawn.tables["serve"] = {"port": 0}
    withdrawn.write()
    with withdrawn.start("serve") as child:
        shown = eventually(lambda: _without_complaint(withdrawn.run("status").stdout))
        child.terminate()
        child.communicate(timeout=60)
    assert re.search(r" \(exit 1\) +[\d :-]{19} ", shown)


def _without_complaint(shown: str) -> str:
    return "" if "no schedule" in shown else shown


def test_status_as_json_has_the_reason_and_the_next_run(withdrawn: Site) -> None:
    (found,) = json.loads(withdrawn.run("status", "--json").stdout)["connectors"]
    following = datetime.fromisoformat(found["next_run"]) - datetime.now(UTC)
    assert found["schedule_kept"] is False
    assert (found["title"], found["reasons"]) == ("Stock of EMEA", ["1 rejected: iStock no longer offers it"])
    assert timedelta(hours=1, minutes=50) < following <= timedelta(hours=2)


def test_status_when_a_run_broke_off_shows_its_error(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRONG", "no-such-key")
    site.connector(api_key={"env": "WRONG"})
    site.run("run", expect=4)
    reason = site.run("status").stdout.splitlines()[2]
    assert reason.startswith("stock: ")
    assert "check the client id" in reason


@pytest.mark.parametrize(
    "line",
    [
        ["status"], ["runs", "stock"], ["assets", "stock"], ["assets", "stock", "--state", "rejected"],
        ["state", "show", "stock"], ["plan"], ["check"], ["portal", "check"], ["plugins"], ["events", "list"],
        ["plugins", "show", "istock"], ["plugins", "show", "gelato"], ["plugins", "show", "imatag"],
        ["secret", "list"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_command_when_it_prints_for_people_prints_no_python(withdrawn: Site, line: list[str]) -> None:
    assert LITERALS.findall(withdrawn.run(*line).stdout) == []


def test_assets_when_there_is_one_are_called_one_asset(withdrawn: Site) -> None:
    assert withdrawn.run("assets", "Stock of EMEA", "--state", "rejected").stdout.startswith(
        "1 asset: iStock"
    )


def test_assets_when_one_is_named_shows_its_history(withdrawn: Site) -> None:
    (rejected,) = json_lines(withdrawn, "--state", "rejected")
    (change,) = json_lines(withdrawn, rejected["source_id"])
    assert (change["run"], change["from_state"], change["to_state"]) == (1, "running", "rejected")
    assert change["cause"].startswith("iStock no longer offers it")
    shown = withdrawn.run("assets", "stock", rejected["source_id"]).stdout
    assert " UTC  run 1  running -> rejected  (iStock no longer offers it" in shown
    record = shown.splitlines()[0].removeprefix("record: ")
    assert json.loads(record) == rejected["raw"]
    assert rejected["raw"]["kind"]


def json_lines(site: Site, *options: str) -> list[dict[str, Any]]:
    lines = site.run("assets", "stock", *options, "--json").stdout.splitlines()
    return [json.loads(line) for line in lines]


# --- the sandbox -----------------------------------------------------------------------------------


def test_sandbox_when_its_port_is_taken_says_so_in_one_line(site: Site) -> None:
    port = site.sandbox.origins["portal"].rpartition(":")[2]
    ended = site.run_child("sandbox", "--port", port, expect=3)
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"damlink: the sandbox cannot listen: port {port}: ")
    assert "--port" in line


@pytest.mark.parametrize(
    ("options", "tags"), [([], {"Gelato"}), (["--empty"], set())], ids=["as it is", "empty"]
)
def test_sandbox_when_started_has_what_the_connectors_work_with(
    site: Site, options: list[str], tags: set[str]
) -> None:
    with site.start("sandbox", "--port", "0", *options) as child:
        addresses = dict(child.stdout.readline().split() for _ in range(4))
        state = httpx.get(f"{addresses['control']}/state", trust_env=False).json()
        child.terminate()
        child.communicate(timeout=60)
    assert {tag for asset in state["bynder"]["assets"] for tag in asset["tags"]} & {"Gelato"} == tags


def test_sandbox_when_it_writes_a_config_it_has_an_event_address(tmp_path: Path, site: Site) -> None:
    folder = tmp_path / "written"
    with site.start("sandbox", "--port", "0", "--write-config", str(folder)) as child:
        assert child.stderr.readline().startswith("config: ")
        url = site.run("--config", str(folder / "damlink.toml"), "events", "url").stdout
        child.terminate()
        child.communicate(timeout=60)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/events/sandbox/\S+\n", url)
