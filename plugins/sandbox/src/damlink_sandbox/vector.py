"""A vector drawing of the sandbox: encapsulated PostScript."""

from __future__ import annotations

import random

from damlink_sandbox.landscape import RGB, contour, mix

WIDTH, HEIGHT = 800, 600  # points

_HEAD = f"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 {WIDTH} {HEIGHT}
%%Title: paper hills
%%Creator: Damlink sandbox
%%LanguageLevel: 2
%%Pages: 1
%%EndComments
%%Page: 1 1
gsave
"""
_TAIL = "grestore\nshowpage\n%%EOF\n"


def drawing(seed: int) -> bytes:
    """Hills of cut paper under a sun, as an EPS file."""
    dice = random.Random(seed)
    steps = [_rectangle((252, 236, 214)), _disc(dice.randint(150, 650), 430, 70, (242, 140, 92))]
    sand, ink = (240, 196, 150), (34, 52, 84)
    steps += [_hill(dice, 330 - 58 * depth, mix(sand, ink, depth / 5)) for depth in range(6)]
    return (_HEAD + "\n".join(steps) + "\n" + _TAIL).encode("ascii")


def _colour(colour: RGB) -> str:
    return " ".join(f"{level / 255:.3f}" for level in colour) + " setrgbcolor"


def _rectangle(colour: RGB) -> str:
    return f"{_colour(colour)} 0 0 {WIDTH} {HEIGHT} rectfill"


def _disc(x: int, y: int, radius: int, colour: RGB) -> str:
    return f"{_colour(colour)} newpath {x} {y} {radius} 0 360 arc closepath fill"


def _hill(dice: random.Random, base: int, colour: RGB) -> str:
    line = contour(dice, 60, 81)
    path = "\n".join(f"{x * WIDTH // 80} {base + rise:.1f} lineto" for x, rise in enumerate(line))
    return f"{_colour(colour)} newpath 0 0 moveto\n{path}\n{WIDTH} 0 lineto closepath fill"
