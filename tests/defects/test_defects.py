"""Every deliberate defect is caught, by what the reference says, in the line that it shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from defects.table import DEFECTS, MISTAKES


def test_table_when_counted_has_every_defect_and_mistake_once() -> None:
    names = {each.name for each in (*DEFECTS, *MISTAKES)}
    assert (len(DEFECTS) >= 22, len(MISTAKES) >= 15, len(names)) == (True, True, len(DEFECTS) + len(MISTAKES))


def test_page_of_defects_when_each_is_tried_anew_is_current() -> None:
    program = Path(__file__).with_name("write_page.py")
    done = subprocess.run(
        [sys.executable, program, "--check"], capture_output=True, text=True, check=False, timeout=240
    )
    assert (done.returncode, done.stderr) == (0, "")
