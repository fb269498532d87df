"""Writes docs/reference/defects.md: what catches each defect, tried anew; `--check` only compares."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

from defects.catching import catch  # noqa: E402
from defects.further import FURTHER  # noqa: E402
from defects.table import DEFECTS, MISTAKES, Defect  # noqa: E402

from damlink._version import __version__  # noqa: E402

PAGE: Final = TESTS.parent / "docs" / "reference" / "defects.md"
# What else is held at that moment differs.
HELD: Final = re.compile(r"\d+ MiB are held")
HEAD: Final = """\
<!-- Written by tests/defects/write_page.py from the table of defects. Do not edit it here. -->

# Defects that are caught

Each line is a plugin that was made from a good one by a single change. It was installed and tried: the
last column is the line that its author reads. `load` stands for every command that loads the plugin, such as
`damlink plugins --verify`, `damlink check` and `damlink run`; for `damlink test` and `damlink grade` see
[the rules](grade.md).
"""


def read_rows(defects: Iterable[Defect]) -> Iterator[str]:
    """Try each defect, and yield its row.

    Raises:
        SystemExit: nothing catches it.
    """
    for defect in defects:
        caught = catch(defect)
        if not caught.line:
            raise SystemExit(f"nothing catches: {defect.name}")
        line = caught.line.replace("|", "\\|").replace(f"this is {__version__}", "this is another")
        yield f"| {defect.name} | `{caught.by}` | {HELD.sub('48 MiB are held', line)} |"


def render_page() -> Iterator[str]:
    """Yield the lines of the page."""
    yield HEAD
    for title, defects in {
        "What goes wrong in operation": DEFECTS,
        "What is written wrongly": MISTAKES,
        "One more for each other rule": FURTHER,
    }.items():
        yield f"## {title}\n\n| defect | caught by | the line |\n| --- | --- | --- |"
        yield from read_rows(defects)
        yield ""


def main() -> None:
    """Write the page, or compare it."""
    lines = "\n".join(render_page()).rstrip().splitlines()
    if "--check" not in sys.argv:
        PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return
    known = PAGE.read_text(encoding="utf-8").splitlines()
    if stale := [line for line in lines if line not in known] or known != lines:
        sys.exit(f"{PAGE} is stale; run: python tests/defects/write_page.py\n{stale}")


if __name__ == "__main__":
    main()
