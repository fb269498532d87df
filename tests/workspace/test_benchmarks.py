"""The benchmark measures: its portal answers the official SDK and Damlink alike."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.servers
def test_row_when_measured_has_a_figure_of_each_client() -> None:
    options = ("library", "--rounds", "1", "--only", "Python|damlink", "--quick")
    done = subprocess.run([sys.executable, BENCHMARKS, *options], capture_output=True, text=True, timeout=100)
    _, row = done.stdout.splitlines()
    name, unit, *figures = row.split()
    assert (done.returncode, done.stderr, name, unit) == (0, "", "library", "s")
    assert [float(figure) > 0 for figure in figures[:2]] == [True, True]
