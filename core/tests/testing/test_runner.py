"""The command that tries the rules of the kit. tests/defects has the defects that they find."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from defects.larkspur import PLUGIN, install


def call(folder: Path, *arguments: str) -> Any:
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "damlink", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=1200,
    )


def test_command_when_a_plugin_is_sound_passes_it(tmp_path: Path) -> None:
    install(tmp_path)
    child = call(tmp_path, "test", "larkspur", "--json")
    report = json.loads(child.stdout)
    assert (child.returncode, report["passed"]) == (0, True), child.stdout
    assert {rule["outcome"] for rule in report["rules"]} == {"passed", "skipped"}
    assert all(rule["proves"] for rule in report["rules"])


def test_command_when_a_rule_is_broken_says_what_to_do(tmp_path: Path) -> None:
    install(tmp_path, PLUGIN.replace('filename=picture["file"]', 'filename="picture"'))
    child = call(tmp_path, "test", "larkspur")
    (line,) = [line for line in child.stdout.splitlines() if line.startswith("content.named")]
    assert "FAILED" in line
    assert "the file 'picture' has no extension; to do: name the file with its extension" in line
    assert child.returncode == 1


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        ("nowhere", "no plugin 'nowhere' is installed"),
        ("larkspur", "it has no hook push; define push with @hookimpl"),
    ],
)
def test_command_when_a_plugin_cannot_be_loaded_exits_3_with_one_line(
    tmp_path: Path, plugin: str, said: str
) -> None:
    install(
        tmp_path, PLUGIN.replace("def push(", "def deliver(").replace("@hookimpl\ndef deliver", "def deliver")
    )
    child = call(tmp_path, "test", plugin)
    assert (child.returncode, child.stderr.count("\n"), said in child.stderr) == (3, 1, True), child.stderr


def test_grade_when_there_is_no_time_is_none_and_exits_6(tmp_path: Path) -> None:
    install(tmp_path)
    badge = tmp_path / "badge.svg"
    child = call(tmp_path, "grade", "larkspur", "--timeout", "1", "--badge", str(badge), "--json")
    report = json.loads(child.stdout)
    untried = sum(rule["outcome"] == "not tried" for rule in report["rules"])
    cure = "run again on a quieter machine or with --timeout"
    assert child.stderr.splitlines()[-1] == f"larkspur: not graded: no time for {untried} rules; {cure}"
    assert (child.returncode, report["grade"], badge.exists()) == (6, None, False)


def test_command_when_the_stand_in_raises_says_so_once_and_tries_no_further_rule(tmp_path: Path) -> None:
    install(tmp_path)
    stand_in = tmp_path / "damlink_larkspur" / "sandbox.py"
    stand_in.write_text(stand_in.read_text().replace("return numbered_page(call.query", "call.nothing(call"))
    child = call(tmp_path, "test", "larkspur")
    (line,) = [line for line in child.stdout.splitlines() if "FAILED" in line]
    assert "your stand-in raised AttributeError: 'Call' object has no attribute 'nothing'" in line
    assert child.stderr.count("Traceback") + child.stderr.count("AttributeError") == 1
    assert " not tried" in child.stdout.splitlines()[-1]
    assert child.returncode == 1


@pytest.mark.parametrize("command", ["test", "grade"])
def test_command_when_a_rule_is_named_tries_it_alone(tmp_path: Path, command: str) -> None:
    install(tmp_path)
    child = call(tmp_path, command, "larkspur", "--rule", "content.named", "--json")
    rules = [(rule["id"], rule["outcome"]) for rule in json.loads(child.stdout)["rules"]]
    assert (child.returncode, rules) == (0, [("content.named", "passed")]), child.stderr


@pytest.mark.parametrize(
    ("command", "rule", "said"),
    [
        ("test", "content.name", "there is no rule 'content.name'; did you mean content.named"),
        ("grade", "code.own-htp", "there is no rule 'code.own-htp'; did you mean code.own-http"),
        ("test", "code.own-http", "it belongs to the grade alone: `damlink grade PLUGIN --rule ID`"),
        ("test", "zzzz", "the subjects are plugin, settings, listing"),
    ],
)
def test_command_when_there_is_no_such_rule_exits_2_and_names_near_ones(
    tmp_path: Path, command: str, rule: str, said: str
) -> None:
    child = call(tmp_path, command, "larkspur", "--rule", rule)
    assert (child.returncode, said in child.stderr) == (2, True), child.stderr


def test_command_when_a_file_is_held_names_how_much_of_it_the_limit_and_the_line(tmp_path: Path) -> None:
    content = 'Content.from_url(ctx.http, picture["url"], filename=picture["file"])'
    held = 'Content.from_bytes(ctx.http.get(picture["url"]).content, picture["file"])'
    install(tmp_path, PLUGIN.replace(content, held))
    child = call(tmp_path, "test", "larkspur", "--rule", "content.constant-memory")
    line = 1 + PLUGIN[: PLUGIN.index(content)].count("\n")
    said = rf"of a file of 48 MiB, \d+ MiB are held at once, most of it by damlink_larkspur/plugin.py:{line}"
    assert re.search(rf"{said}; the limit is 36 MiB", child.stdout), child.stdout


@pytest.mark.acceptance
def test_command_when_the_stand_in_holds_a_file_does_not_blame_the_plugin(tmp_path: Path) -> None:
    install(tmp_path)
    stand_in = tmp_path / "damlink_larkspur" / "sandbox.py"
    opening = "    def picture(self, call):\n"
    hold = "        self.held = [b''.join(file.read()) for file in self.media]\n"
    stand_in.write_text(stand_in.read_text().replace(opening, opening + hold))
    child = call(tmp_path, "test", "larkspur", "--rule", "content.constant-memory", "--json")
    assert [rule["outcome"] for rule in json.loads(child.stdout)["rules"]] == ["passed"]


# It takes more than a minute, and would in `damlink grade`.
@pytest.mark.acceptance
@pytest.mark.timeout(1300)
@pytest.mark.parametrize("hang", ["__import__('threading').Event().wait()", "[0 for _ in iter(int, 1)]"])
def test_command_when_a_hook_hangs_names_the_rule_and_ends(tmp_path: Path, hang: str) -> None:
    install(tmp_path, PLUGIN.replace("    picture = ", f"    {hang}\n    picture = "))
    child = call(tmp_path, "test", "larkspur", "--json")
    outcomes = {rule["id"]: (rule["outcome"], rule["seen"]) for rule in json.loads(child.stdout)["rules"]}
    (broken,) = [seen for outcome, seen in outcomes.values() if outcome == "broken"]
    assert broken == "it did not end within 60 seconds of its own; no further rule was tried"
    assert outcomes["log.secret-free"][0] == "not tried"
    assert child.returncode == 1
