from __future__ import annotations

import socket
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from damlink_sandbox import Sandbox, SnsSandbox
from damlink_sandbox.commands import demo, sandbox
from damlink_sandbox.commands.children import Run, is_free
from damlink_sandbox.commands.config import write_sandbox_config


@pytest.fixture
def written(tmp_path: Path) -> Path:
    with Sandbox([SnsSandbox]) as running:
        return write_sandbox_config(tmp_path, running.parts.values(), {"port": 20_000})


def test_config_when_written_has_the_portal_and_its_secrets_in_files(written: Path) -> None:
    tables = tomllib.loads(written.read_text("utf-8"))
    token = tables["portals"]["sandbox"]["token"]
    assert tables["serve"] == {"port": 20_000}
    assert token == {"file": "secrets/sandbox-token"}
    assert (written.parent / token["file"]).read_text("utf-8")


def test_config_when_written_is_for_its_owner_alone(written: Path) -> None:
    files = [written, *(written.parent / "secrets").iterdir()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize(
    ("reports", "pushed"),
    [
        ([], 0),
        ([{"outcomes": {"pushed": 3, "failed": 1}}, {"outcomes": {"pushed": 2}}], 5),
        ([{"connector": "istock", "error": "no answer"}], 0),
    ],
    ids=["none", "two", "one-that-did-not-begin"],
)
def test_run_when_asked_counts_what_it_pushed(reports: list[Any], pushed: int) -> None:
    assert Run(0, reports).pushed == pushed


def test_port_when_something_listens_on_it_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert not is_free(listening.getsockname()[1])


def test_sandbox_when_its_port_is_taken_says_so_and_exits_3() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
        ended = CliRunner().invoke(sandbox.command, ["--port", port])
    assert ended.exit_code == 3
    assert f"the sandbox cannot listen: port {port}: " in ended.output


def test_demo_when_its_media_folder_is_missing_is_a_usage_error(tmp_path: Path) -> None:
    ended = CliRunner().invoke(demo.command, ["--media", str(tmp_path / "none")])
    assert (ended.exit_code, "does not exist" in ended.output) == (2, True)
