"""Python that stands in the docs, to be run from their own text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

__all__ = ["DOCS", "lines_of", "python_below", "python_of"]

DOCS: Final = Path(__file__).parents[1] / "docs"
_FENCE: Final = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def python_of(page: str) -> list[str]:
    """Return the blocks of a page, in order."""
    return _FENCE.findall((DOCS / page).read_text("utf-8"))


def python_below(page: str, heading: str) -> str:
    """Return the first block below a heading."""
    text = (DOCS / page).read_text("utf-8")
    _, found, below = text.partition(f"\n## {heading}\n")
    assert found, f"{page} has no heading {heading!r}"
    return _FENCE.findall(below)[0]


def lines_of(program: str) -> int:
    """Return how many lines are not empty."""
    return sum(bool(line.strip()) for line in program.splitlines())
