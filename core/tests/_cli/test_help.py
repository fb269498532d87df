from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from damlink import __version__
from damlink._cli import COMMANDS, EXIT_CODES, root

HEAVY = {
    "alembic", "attr", "cattrs", "cryptography", "email", "httpx", "importlib.metadata", "keyring", "msgspec",
    "pluggy", "rich", "sqlalchemy", "tenacity", "tomlkit",
}  # fmt: skip
PROGRAM = """
import sys
from damlink._cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    print(*(name for name in sys.modules), file=sys.stderr)
    raise
"""


@pytest.fixture
def command(
    install: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Run `damlink` in a process of its own, beside an installed plugin that must not be imported."""
    folder = install("acme", f"open({str(tmp_path / 'imported')!r}, 'w').close()")
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Any:
        given = [sys.executable, "-c", PROGRAM, *arguments]
        return subprocess.run(given, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["plugins"], ["plugins", "--json"], ["run", "--help"], ["plugins", "--help"]],
    ids=" ".join,
)
def test_start_when_nothing_is_to_be_sent_imports_no_plugin_and_nothing_heavy(
    command: Callable[..., Any], tmp_path: Path, arguments: list[str]
) -> None:
    ended = command(*arguments)
    imported = set(ended.stderr.split())
    assert ended.returncode == 0
    assert "damlink._cli" in imported
    assert imported & HEAVY == set()
    assert "damlink_acme_plugin" not in imported
    assert not (tmp_path / "imported").exists()


def test_help_when_asked_lists_every_command(command: Callable[..., Any]) -> None:
    said = command("--help").stdout
    for name, sentence in COMMANDS.items():
        assert f"  {name} " in said
        assert sentence in " ".join(said.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_command_when_looked_up_has_a_help_text(name: str) -> None:
    found = root.get_command(click.Context(root), name)
    assert found is not None
    assert found.name == name
    assert found.help or isinstance(found, click.Group)


def test_version_when_asked_is_told(command: Callable[..., Any]) -> None:
    assert command("--version").stdout == f"damlink, version {__version__}\n"


def test_plugins_when_asked_lists_what_is_installed_from_metadata(command: Callable[..., Any]) -> None:
    (acme,) = (each for each in json.loads(command("plugins", "--json").stdout) if each["name"] == "acme")
    assert (acme["distribution"], acme["version"], acme["problem"]) == ("damlink-acme", "1.0", "")
    assert "acme" in command("plugins").stdout


def test_plugins_when_one_is_broken_names_it_and_exits_3(
    command: Callable[..., Any], install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(install("broken", None)), prepend=os.pathsep)
    ended = command("plugins")
    assert ended.returncode == 3
    assert "its module damlink_broken_plugin is missing; reinstall it" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command 'nonsense'; see `damlink --help`"),
        (["run", "--nonsense"], "No such option '--nonsense'; see `damlink run --help`"),
        (["runs"], "Missing argument 'NAME'; see `damlink runs --help`"),
    ],
    ids=["command", "option", "argument"],
)
def test_command_when_written_wrongly_is_one_line_and_exits_2(
    command: Callable[..., Any], arguments: list[str], said: str
) -> None:
    ended = command(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[0] == f"damlink: {said}"


def test_command_when_there_is_no_config_is_one_line_and_exits_3(command: Callable[..., Any]) -> None:
    ended = command("run")
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.splitlines()[0] == (
        "damlink: damlink.toml: there is no such file; make one with `damlink init`, or name it with "
        "--config or DAMLINK_CONFIG"
    )


def test_exit_codes_when_listed_are_the_documented_ones() -> None:
    assert list(EXIT_CODES) == [0, 1, 2, 3, 4, 5, 6, 130]
