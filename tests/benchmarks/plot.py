"""A drawing of the results: how far each client is from the goal of each row, on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from results import COLUMNS, Result

LABELS, WIDTH, VERDICTS, LINE, TOP = 330, 520, 90, 26, 64  # pixels
# The scale reaches from one part in so many of the goal to so many times the goal.
MOST_TIMES: Final = 32
MARKS: Final = ("python", "javascript", "bare", "damlink", "fetching")
STYLE: Final = """
  text { font: 13px sans-serif; fill: #263238 }
  .axis { stroke: #b0bec5; stroke-width: 1 }
  .goal { stroke: #00897b; stroke-width: 2 }
  .tick, .missed { fill: #607d8b }
  .python, .javascript, .bare { fill: none; stroke-width: 2 }
  .python { stroke: #1e88e5 }
  .javascript { stroke: #fb8c00 }
  .bare { stroke: #90a4ae }
  .damlink { fill: #00897b }
  .fetching { fill: #80cbc4 }
  .reached { font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e0e6ea }
    .axis { stroke: #455a64 }
    .tick, .missed { fill: #90a4ae }
    .goal { stroke: #4db6ac }
    .damlink { fill: #4db6ac }
    .fetching { fill: #00796b }
  }
"""


def draw(results: Sequence[Result]) -> str:
    """Return the drawing."""
    width, height = LABELS + WIDTH + VERDICTS, TOP + LINE * len(results) + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>How far each client is from the goal of each row; to the right is better</title>",
        f"<style>{STYLE}</style>",
        *_legend(),
        *_axis(height),
        *(part for at, result in enumerate(results) for part in _row(result, TOP + LINE * at + LINE // 2)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _legend() -> Iterator[str]:
    x = 20
    for mark, column in zip(MARKS, COLUMNS, strict=True):
        yield f'<circle class="{mark}" cx="{x}" cy="18" r="5"/>'
        yield f'<text x="{x + 11}" y="22">{escape(column)}</text>'
        x += 50 + 7 * len(column)


def _axis(height: int) -> Iterator[str]:
    for times in (1 / 32, 1 / 8, 1 / 2, 1, 2, 8, 32):
        x = _x(times)
        text = "goal" if times == 1 else f"{times:g} ×" if times > 1 else f"1/{1 / times:g}"
        kind = "goal" if times == 1 else "axis"
        yield f'<line class="{kind}" x1="{x}" y1="{TOP}" x2="{x}" y2="{height - 10}"/>'
        yield f'<text class="tick" x="{x}" y="{TOP - 8}" text-anchor="middle">{text}</text>'


def _row(result: Result, y: int) -> Iterator[str]:
    title = escape(result.row.title.replace("`", ""))
    yield f'<text x="{LABELS - 20}" y="{y + 4}" text-anchor="end">{title}</text>'
    # From right to left: Damlink's own mark must not be covered.
    for mark, column in reversed([*zip(MARKS, COLUMNS, strict=True)]):
        client = result.client_of(column)
        times = _times_the_goal(result, client) if client else None
        if times:
            yield f'<circle class="{mark}" cx="{_x(times)}" cy="{y}" r="5"/>'
    verdict = result.verdict
    yield f'<text class="{verdict}" x="{LABELS + WIDTH + 10}" y="{y + 4}">{verdict}</text>'


def _times_the_goal(result: Result, client: str) -> float | None:
    """Return how many times as good as the goal a client is."""
    goal = result.row.goal
    value = result.ratio(client) if goal.times else result.medians[client]
    if not value:
        return None
    return value / goal.limit if goal.high else goal.limit / value


def _x(times: float) -> int:
    most = math.log(MOST_TIMES)
    share = max(-1.0, min(1.0, math.log(times) / most))
    return round(LABELS + WIDTH * (share + 1) / 2)
