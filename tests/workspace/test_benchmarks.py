"""The benchmark measures: its portal answers the official SDK and Damlink alike."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from damlink._console.pages import PAGES

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.servers
def test_row_when_measured_has_a_figure_of_each_client() -> None:
    options = ("library", "--rounds", "1", "--only", "Python|damlink", "--quick")
    done = subprocess.run([sys.executable, BENCHMARKS, *options], capture_output=True, text=True, timeout=100)
    _, row = done.stdout.splitlines()
    name, unit, *figures = row.split()
    assert (done.returncode, done.stderr, name, unit) == (0, "", "library", "s")
    assert [float(figure) > 0 for figure in figures[:2]] == [True, True]


@pytest.mark.servers
def test_pages_of_the_console_when_measured_have_all_a_line() -> None:
    command = [sys.executable, BENCHMARKS / "console_pages.py", "2000", "--requests", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line for line in done.stdout.splitlines() if " p95 " in line]
    assert len(lines) >= len(PAGES)
    (first,) = re.findall(r"first page with style sheet and scripts ([\d,]+) bytes", done.stdout)
    assert int(first.replace(",", "")) <= 80_000
