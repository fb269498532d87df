"""What every command says where there is no config, and how little it imports to say so."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from canaries import CANARY

from damlink._cli import main, root
from damlink.errors import ConfigError

MISSING = (
    "damlink: damlink.toml: there is no such file; make one with `damlink init`, or name it with --config or "
    "DAMLINK_CONFIG\n"
)
HEAVY = {
    "httpx",
    "sqlalchemy",
    "alembic",
    "cattrs",
    "cryptography",
    "pluggy",
    "keyring",
    "rich",
    "tomlkit",
    "msgspec",
}
# Runs every line in one process, and prints those that import what is heavy.
IMPORTS = """
import sys
from damlink._cli import main
for line in lines:
    try:
        main(line)
    except SystemExit as ended:
        assert ended.code == 3, line
    if found := heavy & set(sys.modules):
        print(line, found)
"""
PROGRAM = "import sys; from damlink._cli import main; main(sys.argv[1:])"
FIRST_WORDS = {
    "Accept", "Add", "Approve", "Bring", "Call", "Carry", "Change", "Check", "Create", "Decide", "Delete",
    "Disable", "Enable", "End", "Grade", "List", "Make", "Manage", "Print", "Process", "Put", "Receive",
    "Replace", "Run", "Serve", "Show", "Sign", "Start", "Store", "Subscribe", "Test", "Write",
}  # fmt: skip


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below one, with its words; those derived from the client are tested with it."""
    yield path, command
    if isinstance(command, click.Group) and path != ("bynder",):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, (*path, name))


def with_arguments(path: tuple[str, ...], command: click.Command) -> list[str]:
    """A command line with something in the place of whatever must be given."""
    given = [*path]
    for parameter in command.params:
        option = [parameter.opts[0]] if isinstance(parameter, click.Option) else []
        if parameter.required:
            given += [*option, value_of(parameter.type)]
    return given


def value_of(kind: click.ParamType) -> str:
    """A value of this kind."""
    if isinstance(kind, click.Choice):
        return str(kind.choices[0])
    if isinstance(kind, click.IntRange):
        return "1"
    return __file__ if isinstance(kind, click.Path) and kind.exists else "x"


def reading_the_config() -> list[Any]:
    """The command lines of all commands that need a config."""
    found = [
        with_arguments(path, command)
        for path, command in commands(root)
        if path not in ((), ("init",), ("test",), ("console",))
        and any(each.name == "config_path" for each in command.params)
    ]
    found.append(["test", "x", "--record", "y"])
    found.append(["bynder", "brand", "assets", "list"])
    found.append(["bynder", "assets", "list"])
    return [pytest.param(line, id=" ".join(word for word in line if "/" not in word)) for line in found]


@pytest.mark.parametrize("line", reading_the_config())
def test_command_when_there_is_no_config_names_init(
    line: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAMLINK_CONFIG", raising=False)
    with pytest.raises(SystemExit) as ended:
        main(line)
    assert (ended.value.code, capsys.readouterr()) == (3, ("", MISSING))


def test_commands_when_there_is_no_config_import_nothing_heavy(tmp_path: Path) -> None:
    lines = [line for each in reading_the_config() for line in each.values]
    program = f"lines, heavy = {lines!r}, {HEAVY!r}\n{IMPORTS}"
    child = [sys.executable, "-c", program]
    ended = subprocess.run(child, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_command_when_there_is_no_config_answers_at_once(tmp_path: Path) -> None:
    best = min(_processor_seconds(tmp_path, PROGRAM) for _ in range(3))
    # The bound was measured on a machine that took 0.12 s for these imports.
    slowness = _processor_seconds(tmp_path, "import click, attrs, cattrs") / 0.12
    assert best < 0.3 * max(1.0, slowness)


def _processor_seconds(folder: Path, program: str) -> float:
    """How long a program works; what other processes do meanwhile does not count."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program, "run"], cwd=folder, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def files_to_read() -> list[Any]:
    """Each command and parameter that takes a file which is there."""
    bynder = root.get_command(click.Context(root), "bynder")
    assert bynder is not None
    below = (*commands(root), *commands(bynder, ("bynder", "brand")))
    return [
        pytest.param(command, each, id=f"{' '.join(path)} {each.name}")
        for path, command in below
        for each in command.params
        if isinstance(each.type, click.Path) and each.type.exists and each.type.file_okay
    ]


@pytest.mark.parametrize(("command", "parameter"), files_to_read())
def test_file_when_the_system_refuses_to_look_at_it_is_not_called_missing(
    command: click.Command, parameter: click.Parameter
) -> None:
    with pytest.raises(ConfigError, match="cannot be read: File name too long; make it a readable file"):
        parameter.type.convert("x" * 300, parameter, click.Context(command))
    with pytest.raises(click.BadParameter, match="does not exist"):
        parameter.type.convert("missing", parameter, click.Context(command))


@pytest.mark.parametrize(
    "command",
    [pytest.param(command, id=" ".join(path)) for path, command in commands(root) if path],
)
def test_command_when_described_begins_with_a_verb(command: click.Command) -> None:
    assert (command.help or "").split()[0].rstrip(",.:") in FIRST_WORDS


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config with one portal and no connector."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN", CANARY)
    path = tmp_path / "damlink.toml"
    path.write_text('[portals.brand]\nurl = "https://brand.example"\ntoken = { env = "TOKEN" }\n')
    return path


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(["events", "list"], id="the only argument"),
        pytest.param(
            ["events", "approve", "arn:aws:sns:eu-west-1:123456789012:topic"], id="the first of two"
        ),
    ],
)
@pytest.mark.usefixtures("config")
def test_portal_when_there_is_one_may_be_left_out(line: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line)
    assert ended.value.code == 0


def test_portal_when_there_are_several_must_be_chosen(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = '[portals.other]\nurl = "https://other.example"\ntoken = { env = "TOKEN" }\n'
    config.write_text(config.read_text() + other)
    with pytest.raises(SystemExit) as ended:
        main(["events", "list"])
    said = (
        "damlink: Missing argument 'PORTAL': choose one of brand, other; see `damlink events list --help`\n"
    )
    assert (ended.value.code, capsys.readouterr().err) == (2, said)
