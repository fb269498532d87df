"""An installation for real use has no `damlink-sandbox`: everything but trying things works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

# The import system treats a module that is `None` as one that is not installed.
PROGRAM: Final = """
import sys
sys.modules |= dict.fromkeys(("damlink_sandbox", "PIL", "oauthlib"))
"""
COMMAND: Final = f"{PROGRAM}\nfrom damlink._cli import main\nmain(sys.argv[1:])"
TESTING: Final = f"{PROGRAM}\nimport damlink.testing"
CONFIG: Final = """
[portals.brand]
url = "https://brand.bynder.com"
token = { env = "TOKEN" }

[connectors.gelato]
plugin = "gelato"
api_key = { env = "KEY" }
"""


def python(folder: Path, program: str, *arguments: str) -> Any:
    given = [sys.executable, "-c", program, *arguments]
    return subprocess.run(given, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["plugins", "--json"],
        ["plugins", "show", "istock"],
        ["plugins", "show", "imatag"],
        ["plugins", "show", "gelato"],
        ["status"],
        ["bynder", "--help"],
    ],
    ids=" ".join,
)
def test_command_when_the_sandbox_is_missing_works(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "damlink.toml").write_text(CONFIG)
    ended = python(tmp_path, COMMAND, *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_testing_when_the_sandbox_is_missing_says_what_to_install(tmp_path: Path) -> None:
    ended = python(tmp_path, TESTING)
    assert ended.stderr.splitlines()[-1] == (
        "damlink.errors.ConfigError: the tests of plugins need damlink_sandbox; install damlink-sandbox"
    )
