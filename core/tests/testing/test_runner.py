"""The command that tries the rules of the kit. tests/defects has the defects that they find."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from defects.larkspur import PLUGIN, install


def call_test(folder: Path, *arguments: str) -> Any:
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "damlink", "test", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_command_when_a_plugin_is_sound_passes_it(tmp_path: Path) -> None:
    install(tmp_path)
    child = call_test(tmp_path, "larkspur", "--json")
    report = json.loads(child.stdout)
    assert (child.returncode, report["passed"]) == (0, True), child.stdout
    assert {rule["outcome"] for rule in report["rules"]} == {"passed", "skipped"}
    assert all(rule["proves"] for rule in report["rules"])


def test_command_when_a_rule_is_broken_says_what_to_do(tmp_path: Path) -> None:
    install(tmp_path, PLUGIN.replace('filename=picture["file"]', 'filename="picture"'))
    child = call_test(tmp_path, "larkspur")
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
    child = call_test(tmp_path, plugin)
    assert (child.returncode, child.stderr.count("\n"), said in child.stderr) == (3, 1, True), child.stderr
