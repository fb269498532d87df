"""Draw the rooms of the core and which of them imports which, as an SVG for the docs.

python tests/workspace/draw_architecture.py [--check]
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from workspace import figures

TARGET: Final = figures.ROOT / "docs/explanation/architecture.svg"
# The modules beside the rooms, in three groups.
GROUPS: Final = {
    "hookspecs": "the contract",
    "_context": "the contract",
    "_model": "values",
    "_content": "values",
    "_checkpoint": "values",
    "errors": "errors, secrets",
    "_secret": "errors, secrets",
    "_version": "errors, secrets",
}
# These import everything, and are imported by plugins and users only.
_FACADES: Final = frozenset({"damlink", "damlink.__main__"})
_PORTAL: Final = "damlink.bynder"  # exports `Portal`, which stands in the room above
BOX: Final = (150, 46)  # width and height of a room, pixels
GAP: Final = (36, 58)
MARGIN: Final = 24

STYLE: Final = """
  .room { fill: #f4f6fb; stroke: #3f51b5; stroke-width: 1.5 }
  .name { fill: #1a237e; font: 600 15px sans-serif; text-anchor: middle }
  .size { fill: #5c6370; font: 12px sans-serif; text-anchor: middle }
  .arrow { fill: none; stroke: #7986cb; stroke-opacity: .7 }
  .head { fill: #7986cb }
  @media (prefers-color-scheme: dark) {
    .room { fill: #20242f; stroke: #8c9eff }
    .name { fill: #dfe3ff }
    .size { fill: #a0a7b8 }
    .arrow { stroke: #8c9eff }
    .head { fill: #8c9eff }
  }
"""


def room_of(module: str) -> str:
    """Return the room that a module of the core stands in."""
    if module == _PORTAL:
        return "_upload"
    parts = module.split(".")
    folder = figures.PACKAGES["core"] / parts[1]
    return parts[1] if folder.is_dir() else GROUPS[parts[1]]


def room_arrows(arrows: Mapping[str, set[str]]) -> Counter[tuple[str, str]]:
    """Return how many modules of one room import from another."""
    pairs = ((room_of(source), room_of(target)) for source, found in arrows.items() for target in found)
    return Counter(pair for pair in pairs if pair[0] != pair[1])


def rows_of(rooms: Iterable[str], arrows: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the rooms in rows: each stands above all that it imports, as low as that allows."""
    left, below, rows = set(rooms), set(arrows), []
    while left:
        row = sorted(room for room in left if not any(a == room and b in left for a, b in below if a != b))
        if not row:  # a circle of rooms: drawn side by side
            row = sorted(left)
        rows.append(row)
        left -= set(row)
    return rows[::-1]


def direct_arrows(arrows: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Return the arrows that no chain of others stands for; with all of them nobody could follow one."""
    below: dict[str, set[str]] = {}
    for source, target in arrows:
        below.setdefault(source, set()).add(target)

    def reaches(start: str, end: str) -> bool:
        return any(each == end or reaches(each, end) for each in below.get(start, ()))

    return {
        (source, target): count
        for (source, target), count in arrows.items()
        if not any(reaches(other, target) for other in below[source] - {target})
    }


def draw() -> str:
    """Return the drawing."""
    sources = [each for each in figures.read_package(figures.PACKAGES["core"]) if each.name not in _FACADES]
    sizes = Counter(room_of(source.name) for source in sources)
    arrows = room_arrows(figures.arrows_of(sources))
    rows = rows_of(sizes, arrows)
    width = max(map(len, rows)) * (BOX[0] + GAP[0]) - GAP[0] + 2 * MARGIN
    places = _places(rows, width)
    height = max(y for _, y in places.values()) + BOX[1] + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>The rooms of the core; an arrow points at what is imported</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" '
        'markerWidth="11" markerHeight="11" '
        'orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker></defs>',
        *(_arrow(places[a], places[b], count) for (a, b), count in sorted(direct_arrows(arrows).items())),
        *(_room(name, place, sizes[name]) for name, place in sorted(places.items())),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _places(rows: list[list[str]], width: int) -> dict[str, tuple[int, int]]:
    places = {}
    for number, row in enumerate(rows):
        taken = len(row) * BOX[0] + (len(row) - 1) * GAP[0]
        for column, name in enumerate(row):
            left = (width - taken) // 2 + column * (BOX[0] + GAP[0])
            places[name] = (left, MARGIN + number * (BOX[1] + GAP[1]))
    return places


def _arrow(start: tuple[int, int], end: tuple[int, int], count: int) -> str:
    x1, y1 = start[0] + BOX[0] // 2, start[1] + BOX[1]
    x2, y2 = end[0] + BOX[0] // 2, end[1]
    if y2 <= start[1]:  # beside or above: a circle of rooms
        y1, y2 = start[1], end[1] + BOX[1]
    middle = (y1 + y2) // 2
    width = min(1 + count / 12, 4)
    path = f"M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}"
    return f'<path class="arrow" d="{path}" stroke-width="{width:.1f}" marker-end="url(#head)"/>'


def _room(name: str, place: tuple[int, int], modules: int) -> str:
    x, y = place
    middle = x + BOX[0] // 2
    return (
        f'<rect class="room" x="{x}" y="{y}" width="{BOX[0]}" height="{BOX[1]}" rx="8"/>'
        f'<text class="name" x="{middle}" y="{y + 20}">{escape(name)}</text>'
        f'<text class="size" x="{middle}" y="{y + 37}">{modules} modules</text>'
    )


def main() -> None:
    """Write the drawing, or check that the one in the docs is up to date."""
    drawn = draw()
    if "--check" in sys.argv:
        if TARGET.read_text(encoding="utf-8") != drawn:
            sys.exit(f"{TARGET} is not up to date: run python tests/workspace/draw_architecture.py")
        return
    TARGET.write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
