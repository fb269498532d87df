"""Tables that long runs leave behind, as JSON beside their program, and the page that shows them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

__all__ = ["OUTCOMES", "PAGE", "SHOWN", "keep", "print_table", "table_of", "write_page", "written"]

TESTS: Final = Path(__file__).parent
PAGE: Final = TESTS.parent / "docs" / "explanation" / "how-it-is-tested.md"
# The markers on the page, with the file of the last whole run.
SHOWN: Final = {
    "kill points": TESTS / "kill_points" / "last.json",
    "lies": TESTS / "lies" / "last.json",
}
# Columns whose figures must be 0, and the one whose every figure is explained.
OUTCOMES: Final = ("lost", "twice", "uncertain")


def keep(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], texts: Mapping[str, int]) -> None:
    """Keep the table of a whole run, and write the page."""
    kept = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        "columns": columns,
        "rows": rows,
        "explanations": [[text, count] for text, count in sorted(texts.items())],
    }
    SHOWN[name].write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_page()


def write_page() -> None:
    """Write what stands between the markers of the page."""
    PAGE.write_text(written(PAGE.read_text("utf-8")), encoding="utf-8")


def written(page: str) -> str:
    """Return the page with the tables of the last whole runs."""
    for name, file in SHOWN.items():
        if not file.exists():
            continue
        begin, end = f"<!-- {name}: written by the run -->", f"<!-- end of {name} -->"
        shown = "\n".join(_lines(json.loads(file.read_text("utf-8"))))
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}\n{shown}\n{end}{rest.partition(end)[2]}"
    return page


def _lines(kept: Mapping[str, Any]) -> Iterable[str]:
    yield f"The last whole run: {kept['date']}, {kept['machine']}."
    yield ""
    yield from table_of(kept["columns"], [*kept["rows"], _total(kept)])
    if kept["explanations"]:
        yield "\nEach uncertain outcome is one of these, in the words that a person reads:\n"
        yield from table_of(("text", "times"), kept["explanations"])


def _total(kept: Mapping[str, Any]) -> list[Any]:
    columns = [*zip(*kept["rows"], strict=True)]
    sums = [sum(column) if isinstance(column[0], int) else "" for column in columns]
    return ["**all**", *sums[1:]]


def table_of(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterable[str]:
    """Return the lines of a table in Markdown."""
    heads = [*columns]
    for cells in (heads, ["---"] * len(heads), *rows):
        yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table at the terminal."""
    lines = [[str(cell) for cell in line] for line in (columns, *rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    write_page()
