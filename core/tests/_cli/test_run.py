"""`damlink run` of a plugin that keeps no contract, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rude import plugin

from damlink._config.edit import document
from damlink._state.database import Database
from damlink._state.ledger import Ledger

Damlink = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def damlink(tmp_path: Path) -> Damlink:
    tables: dict[str, Any] = {
        "portals": {"brand": {"url": "http://127.0.0.1:9", "token": {"env": "DAMLINK_KEY"}}},
        "connectors": {"stock": {"plugin": "acme"}, "later": {"plugin": "calm"}},
    }
    (tmp_path / "damlink.toml").write_text(document(tables))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        paths = [str(path) for path in (tmp_path / "site").iterdir()]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")])}
        command = [sys.executable, "-m", "damlink", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def states(folder: Path, name: str) -> dict[str, str]:
    with contextlib.closing(Database("sqlite:///damlink.db", folder)) as database:
        return {row.source_id: row.state for row in Ledger(database, name).rows()}


@pytest.mark.parametrize(
    ("hook", "code", "expected"),
    [
        ("push", 1, {"1": "failed", "2": "pushed"}),
        ("list_source_assets", 3, {"1": "pushed"}),
    ],
)
def test_run_when_a_plugin_leaves_says_so_and_runs_the_next_connector(
    damlink: Damlink,
    tmp_path: Path,
    install: Callable[..., Path],
    hook: str,
    code: int,
    expected: dict[str, str],
) -> None:
    install("acme", plugin(**{hook: "sys.exit(0)"}))
    install("calm", plugin())
    ended = damlink("run")
    assert ended.returncode == code
    assert f"{hook} of damlink-acme 1.0 raised SystemExit: 0 (damlink_acme_plugin.py:" in ended.stderr
    assert states(tmp_path, "stock") == expected
    assert states(tmp_path, "later") == {"1": "pushed", "2": "pushed"}


def test_run_when_a_plugin_leaves_at_its_import_says_so_and_runs_the_next_connector(
    damlink: Damlink, tmp_path: Path, install: Callable[..., Path]
) -> None:
    install("acme", "raise SystemExit(0)")
    install("calm", plugin())
    ended = damlink("run")
    assert (ended.returncode, states(tmp_path, "later")) == (3, {"1": "pushed", "2": "pushed"})
    assert "cannot be imported: SystemExit: 0" in ended.stderr


def test_run_when_a_plan_was_saved_carries_it_once(
    damlink: Damlink, tmp_path: Path, install: Callable[..., Path]
) -> None:
    install("acme", plugin())
    last = json.loads(damlink("plan", "stock", "--save", "--json").stdout.splitlines()[-1])
    ended = damlink("run", "--plan", last["plan"])
    assert (ended.returncode, last["actions"]) == (0, {"new": 2})
    assert states(tmp_path, "stock") == {"1": "pushed", "2": "pushed"}
    stale = damlink("run", "stock", "--plan", last["plan"], "--full")
    assert (stale.returncode, "leave --full and --limit out" in stale.stderr) == (2, True)


def test_run_when_a_plan_is_stale_says_what_has_changed(
    damlink: Damlink, tmp_path: Path, install: Callable[..., Path]
) -> None:
    install("acme", plugin())
    install("calm", plugin())
    text = damlink("plan", "stock", "--save").stdout
    damlink("run", "stock")
    number = re.search(r"plan (\w+) is saved; `damlink run stock --plan \1` carries it", text)
    assert number is not None, text
    ended = damlink("run", "--plan", number[1])
    assert ended.returncode == 3
    assert f"stock: the plan {number[1]} is stale: no longer to carry: 1, 2; make another" in ended.stderr
    assert damlink("run", "later", "--plan", number[1]).returncode == 3
