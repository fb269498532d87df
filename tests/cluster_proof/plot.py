"""A drawing of the throughput of workers with an address each, beside so many times that of one alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

__all__ = ["draw"]

LABELS, WIDTH, FIGURES, LINE, TOP = 90, 420, 190, 34, 40  # pixels
STYLE: Final = """
  text { font: 13px sans-serif; fill: #263238 }
  .ideal { fill: none; stroke: #90a4ae; stroke-width: 2 }
  .reached { fill: #00897b }
  @media (prefers-color-scheme: dark) {
    text { fill: #e0e6ea }
    .reached { fill: #4db6ac }
  }
"""


def draw(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the drawing of these rows, of which the first is that of one worker."""
    width, height = LABELS + WIDTH + FIGURES, TOP + LINE * len(rows) + 10
    alone, most = rows[0]["rate"], rows[0]["rate"] * rows[-1]["workers"]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>Requests a second of workers with an address each, and so many times those of one</title>",
        f"<style>{STYLE}</style>",
        f'<text x="{LABELS}" y="22">requests a second; framed: so many times one worker\'s</text>',
        *(part for at, row in enumerate(rows) for part in _bar(row, alone, most, TOP + LINE * at)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _bar(row: Mapping[str, Any], alone: float, most: float, y: int) -> Iterator[str]:
    count, ideal = row["workers"], alone * row["workers"]
    scale = WIDTH / (1.1 * most)
    yield f'<text x="{LABELS - 10}" y="{y + 15}" text-anchor="end">{count} worker{"s" * (count > 1)}</text>'
    yield f'<rect class="reached" x="{LABELS}" y="{y}" width="{row["rate"] * scale:.1f}" height="20"/>'
    yield f'<rect class="ideal" x="{LABELS}" y="{y - 2}" width="{ideal * scale:.1f}" height="24"/>'
    figure = f"{row['rate']:g} ({row['rate'] / ideal:.2f} of the frame)"
    yield f'<text x="{LABELS + WIDTH + 10}" y="{y + 15}">{figure}</text>'
