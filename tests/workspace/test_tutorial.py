"""The tutorial shows what its commands print: they are run in the sandbox, and compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from damlink_istock.sandbox import IStockSandbox
from damlink_sandbox import Sandbox, SnsSandbox
from damlink_sandbox.commands.config import write_sandbox_config

PAGE: Final = Path(__file__).parents[2] / "docs/tutorial/first-run.md"
BLOCK: Final = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DAMLINK: Final = 'damlink() { "$PYTHON" -m damlink "$@"; }\n'
CHANGING: Final = re.compile(r"\d+(\.\d+)?(?= (B|kB|MB|GB|s|min)\b)")  # sizes and times
# Of assets that were pushed: a listing that names one twice counts it once or twice, as its batches fall.
REPEATED: Final = re.compile(r"(?<= kB\)), \d+ unchanged")
FIRST_STEP, LAST_STEP = 3, 6  # before them the sandbox is started, after them it is killed


def blocks(steps: range) -> list[tuple[str, str]]:
    """The shell blocks of some steps, each with the output that the page shows for it, or nothing."""
    sections = re.split(r"^## (?=\d)", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    found = [block for section in sections if int(section[0]) in steps for block in BLOCK.findall(section)]
    following = [*found[1:], ("", "")]
    return [
        (text, shown if after == "text" else "")
        for (kind, text), (after, shown) in zip(found, following, strict=True)
        if kind == "sh"
    ]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What each shell block of the tutorial prints, one after the other in one world."""
    folder = tmp_path_factory.mktemp("tutorial")
    with Sandbox([SnsSandbox, IStockSandbox], folder=folder) as sandbox:
        write_sandbox_config(folder, sandbox.parts.values())
        sandbox.part("bynder").control("lag", {"conversion": 0, "index": 0})
        ports = {"9000": sandbox.origins["portal"], "9003": sandbox.origins["control"]}
        told = blocks(range(FIRST_STEP, LAST_STEP + 1))
        yield {text: run(text, folder, ports) for text, output in told if output or "/license" in text}


def run(text: str, folder: Path, ports: dict[str, str]) -> str:
    """Run a shell block as a reader would, against the sandbox's own ports."""
    for port, origin in ports.items():
        text = text.replace(f"http://127.0.0.1:{port}", origin)
    ended = subprocess.run(
        ["bash", "-c", DAMLINK + text],
        cwd=folder,
        env=os.environ | {"PYTHON": sys.executable, "DAMLINK_STATE_DIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ended.stdout


def steady(text: str) -> list[str]:
    """The lines of an output, without what differs from run to run."""
    return [CHANGING.sub("N", REPEATED.sub("", line)) for line in text.splitlines() if line != "…"]


def shown() -> list[tuple[str, str]]:
    """The shell blocks whose output the page shows."""
    return [(text, output) for text, output in blocks(range(FIRST_STEP, LAST_STEP + 1)) if output]


def missing(output: str, printed: str) -> list[str]:
    """The lines that the page shows and that were not printed."""
    return [line for line in steady(output) if line not in steady(printed)]


def test_outputs_when_the_tutorial_shows_them_are_what_its_commands_print(printed: dict[str, str]) -> None:
    stale = {text: missing(output, printed[text]) for text, output in shown()}
    assert {text: lines for text, lines in stale.items() if lines} == {}, printed


def test_outputs_when_the_tutorial_shows_them_are_all_compared() -> None:
    assert len(shown()) == len(re.findall(r"^```text$", PAGE.read_text("utf-8"), re.MULTILINE)) - 1


def test_plugins_when_the_tutorial_lists_them_are_as_it_shows(tmp_path: Path) -> None:
    ((_, output),) = [(text, output) for text, output in blocks(range(1, 2)) if output]
    command = [sys.executable, "-m", "damlink", "plugins"]
    environment = os.environ | {"DAMLINK_STATE_DIR": str(tmp_path)}  # it has no grades of this machine
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert [line for line in output.splitlines() if line not in ended.stdout.splitlines()] == []
