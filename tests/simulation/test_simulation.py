"""Schedules of the simulation: a few of them, and the repeat of one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.servers  # it starts processes

TESTS = Path(__file__).parents[1]
MUTANTS = sorted((TESTS / "simulation/mutants").glob("*.patch"))


def simulate(*options: str) -> str:
    """Run the simulation with these options, and return what it prints; it must end with 0."""
    command = [sys.executable, "-m", "simulation", *options]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_simulate_when_processes_crash_and_answers_lie_breaks_no_promise() -> None:
    assert "20 schedules" in simulate("--seeds", "20", "--jobs", "1")


def test_simulate_when_a_seed_is_repeated_takes_the_same_way() -> None:
    assert "in 3 of 3 repeats" in simulate("--seed", "8", "--repeat", "3", "--jobs", "1")


@pytest.mark.parametrize("patch", MUTANTS, ids=lambda patch: patch.stem)
def test_mutant_when_its_line_is_still_there_applies(patch: Path) -> None:
    command = ["git", "apply", "-C1", "--check", str(patch)]
    done = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"the line that it sabotages has changed: {done.stderr}"
