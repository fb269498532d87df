from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from damlink._cli import COMMANDS, main

WORKING = """
import click

@click.command("greet")
@click.option("--name", required=True)
def command(name: str) -> int:
    click.echo(f"hello {name}")
    return 4
"""
REFUSING = """
import click

class Refusal(click.ClickException):
    exit_code = 3

@click.command("greet")
def command() -> None:
    raise Refusal("port 9000 is taken; choose another")
"""


@pytest.fixture
def offer(install: Callable[..., Path]) -> Callable[..., None]:
    """Install a distribution with one command."""

    def offer(name: str, source: str | None) -> None:
        (facts,) = install(name, source).glob("*.dist-info")
        (facts / "entry_points.txt").write_text(
            f"[damlink.commands]\n{name} = damlink_{name}_plugin:command\n"
        )

    return offer


@pytest.fixture
def damlink(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[Any, str, str]]:
    """Run the command line; return exit code, stdout and stderr."""

    def run(*arguments: str) -> tuple[Any, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return ended.value.code, *capsys.readouterr()

    return run


def test_other_command_when_called_runs_and_its_result_is_the_exit_code(
    offer: Callable[..., None], damlink: Callable[..., Any]
) -> None:
    offer("greet", WORKING)
    assert damlink("greet", "--name", "Ada") == (4, "hello Ada\n", "")


def test_other_command_when_written_wrongly_is_one_line_and_exits_2(
    offer: Callable[..., None], damlink: Callable[..., Any]
) -> None:
    offer("greet", WORKING)
    assert damlink("greet") == (
        2,
        "",
        "damlink: Missing option '--name'; see `damlink greet --help`\n",
    )


def test_other_command_when_it_fails_is_one_line_and_has_its_own_exit_code(
    offer: Callable[..., None], damlink: Callable[..., Any]
) -> None:
    offer("greet", REFUSING)
    assert damlink("greet") == (3, "", "damlink: port 9000 is taken; choose another\n")


def test_help_when_there_is_another_command_names_its_distribution_and_imports_nothing(
    offer: Callable[..., None], damlink: Callable[..., Any]
) -> None:
    offer("greet", "raise AssertionError('it was imported')")
    code, out, _ = damlink("--help")
    assert code == 0
    assert "\n  greet    From damlink-greet.\n" in out


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (None, ": its module damlink_broken_plugin is missing; reinstall it"),
        ("raise RuntimeError('no\\nluck')", " cannot be imported: RuntimeError: no luck; reinstall it, or"),
        ("raise SystemExit(9)", " cannot be imported: SystemExit: 9; reinstall it, or report"),
        ("import click", " cannot be imported: AttributeError: module 'damlink_broken_plugin' has no"),
        ("command = 3", ": damlink_broken_plugin:command is no click command; report it"),
    ],
    ids=["gone", "raises", "exits", "lacks-it", "other-type"],
)
def test_other_command_when_broken_is_named_in_one_line_and_exits_3(
    offer: Callable[..., None], damlink: Callable[..., Any], source: str | None, problem: str
) -> None:
    offer("broken", source)
    code, out, err = damlink("broken")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert err.startswith(f"damlink: command 'broken' (damlink-broken 1.0){problem}")


def test_other_command_when_another_one_is_broken_works(
    offer: Callable[..., None], damlink: Callable[..., Any]
) -> None:
    offer("broken", None)
    offer("greet", WORKING)
    assert "broken   its module damlink_broken_plugin is missing" in damlink("--help")[1]
    assert damlink("greet", "--name", "Ada")[0] == 4


@pytest.mark.parametrize("name", COMMANDS)
def test_other_command_when_it_has_a_name_of_the_core_is_not_called(
    offer: Callable[..., None], damlink: Callable[..., Any], name: str
) -> None:
    offer(name, "raise AssertionError('it was imported')")
    assert damlink(name, "--help")[0] == 0
    assert f"From damlink-{name}." not in damlink("--help")[1]


@pytest.mark.parametrize("name", ["sandbox", "demo"])
def test_command_of_the_sandbox_when_that_is_not_installed_says_what_to_install(
    damlink: Callable[..., Any], install: Callable[..., Path], name: str
) -> None:
    # A distribution without commands stands before the installed one.
    (facts,) = install("none", distribution="damlink-sandbox").glob("*.dist-info")
    (facts / "entry_points.txt").unlink()
    said = f"damlink: no command {name!r} is installed; install damlink-sandbox\n"
    assert damlink(name) == (3, "", said)
