"""Every deliberate defect is caught, by what the reference says, in the line that it shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from defects.further import FURTHER, KEPT_BY_THE_CORE
from defects.table import DEFECTS, MISTAKES

from damlink.testing.grade import list_graded_rules


def test_table_when_counted_has_every_defect_and_mistake_once() -> None:
    names = [each.name for each in (*DEFECTS, *MISTAKES, *FURTHER)]
    assert (len(DEFECTS) >= 22, len(MISTAKES) >= 15, len(names)) == (True, True, len({*names}))


def test_rules_when_compared_with_the_table_have_a_defect_each() -> None:
    shown = {each.caught.replace("load", "plugin.loads") for each in (*DEFECTS, *MISTAKES, *FURTHER)}
    assert {rule.id for _, rule in list_graded_rules()} - shown == {*KEPT_BY_THE_CORE}


def test_page_of_defects_when_each_is_tried_anew_is_current() -> None:
    program = Path(__file__).with_name("write_page.py")
    done = subprocess.run(
        [sys.executable, program, "--check"], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
