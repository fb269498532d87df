"""Every way to sign, with every way to divide a list, makes code that is formatted and clean."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from damlink._cli.new import command
from damlink._scaffold.names import Names
from damlink._scaffold.render import write_distribution
from damlink._scaffold.standard import AUTHS, PAGINGS, destination_blueprint, source_blueprint

LINT = "A,ARG,B,C4,E,F,I,N,PTH,RET,RUF,SIM,T20,UP,W"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Distributions of every kind."""
    folder: Path = tmp_path_factory.mktemp("standard")
    for auth, pages in itertools.product(AUTHS, PAGINGS):
        name = f"acme-{auth}-{pages}"
        write_distribution(source_blueprint(Names.of(name), auth, pages), folder / name)
    for auth in AUTHS:
        name = f"shop-{auth}"
        write_distribution(destination_blueprint(Names.of(name), auth), folder / name)
    return folder


@pytest.mark.parametrize(
    "arguments", [("format", "--check", "--diff"), ("check", "--select", LINT)], ids=["format", "lint"]
)
def test_distributions_when_made_are_formatted_and_clean(made: Path, arguments: tuple[str, ...]) -> None:
    ruff = (sys.executable, "-m", "ruff", *arguments, "--no-cache", ".")
    child = subprocess.run(ruff, cwd=made, capture_output=True, text=True)
    assert child.returncode == 0, child.stdout


def test_options_when_read_are_the_ways_that_there_are() -> None:
    choices = {each.name: getattr(each.type, "choices", None) for each in command.params}
    assert ([*choices["auth"]], [*choices["pages"]]) == ([*AUTHS], [*PAGINGS])
