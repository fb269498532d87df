"""Painted landscapes: sky, clouds, sun, ridges, a lake. The same arguments give the same pixels."""

from __future__ import annotations

import math
import random

import attrs
from PIL import Image, ImageChops, ImageDraw

RGB = tuple[int, int, int]
Point = tuple[float, float]


@attrs.frozen
class Palette:
    """The colours of an hour and a place."""

    zenith: RGB
    horizon: RGB
    sun: RGB
    far: RGB
    near: RGB


@attrs.frozen
class Landscape:
    """What is to be seen. Lengths are parts of the picture's width or height.

    Attributes:
        sun: its place, across and down.
        clouds: how much of the sky they cover, 0 to 1.
        relief: the height of a ridge.
        water: where a lake begins, down; 1 for none.
        trees: how many stand on the nearest ridge.
    """

    palette: Palette
    seed: int
    sun: Point = (0.7, 0.35)
    clouds: float = 0.4
    relief: float = 0.12
    water: float = 1.0
    trees: int = 0


def mix(one: RGB, other: RGB, share: float) -> RGB:
    """`one` with a share of `other` (0 to 1) in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def contour(dice: random.Random, relief: float, steps: int) -> list[float]:
    """A ridge from left to right: `steps` heights of about ±`relief`."""
    waves = [(2.0**octave * dice.uniform(0.7, 1.3), dice.uniform(0, 6.3)) for octave in range(7)]
    return [
        relief * sum(math.sin(x / steps * 5 * pace + phase) / pace**1.1 for pace, phase in waves)
        for x in range(steps)
    ]


def paint(landscape: Landscape, width: int, height: int) -> Image.Image:
    """The landscape at that size in pixels, RGB."""
    dice = random.Random(landscape.seed)
    palette = landscape.palette
    picture = _gradient(
        [palette.zenith, mix(palette.zenith, palette.horizon, 0.5), palette.horizon], width, height
    )
    _shine(picture, landscape)
    _cloud(picture, landscape, dice)
    for depth in range(5):
        _raise_ridge(picture, landscape, depth, dice)
    if landscape.water < 1:
        _mirror(picture, landscape)
    return _with_grain(picture, dice)


def _gradient(stops: list[RGB], width: int, height: int) -> Image.Image:
    column = Image.new("RGB", (1, len(stops)))
    for row, colour in enumerate(stops):
        column.putpixel((0, row), colour)
    return column.resize((1, height), Image.Resampling.BICUBIC).resize(
        (width, height), Image.Resampling.NEAREST
    )


def _shine(picture: Image.Image, landscape: Landscape) -> None:
    width, height = picture.size
    x, y = round(landscape.sun[0] * width), round(landscape.sun[1] * height)
    spot = Image.radial_gradient("L").point(lambda level: max(0, 255 - level * 3 // 2))
    for share, strength in ((1.6, 0.5), (0.6, 0.6), (0.14, 12.0)):
        side = round(share * height)
        glow = spot.point(lambda level, by=strength: min(255, int(level**1.3 / 5 * by)))
        glow = glow.resize((side, side), Image.Resampling.BILINEAR)
        picture.paste(landscape.palette.sun, (x - side // 2, y - side // 2), glow)


def _cloud(picture: Image.Image, landscape: Landscape, dice: random.Random) -> None:
    veil = Image.new("L", (512, 512))
    for octave in range(6, 0, -1):
        size = (2**octave, 2 ** (octave + 2))
        layer = Image.frombytes("L", size, dice.randbytes(size[0] * size[1]))
        veil = Image.blend(veil, layer.resize(veil.size, Image.Resampling.BICUBIC), 0.5)
    floor = 190 - 110 * landscape.clouds
    mask = veil.point(lambda level: max(0, min(170, int((level - floor) * 2.2)))).resize(picture.size)
    picture.paste(mix(landscape.palette.horizon, (255, 255, 255), 0.55), (0, 0), mask)


def _raise_ridge(picture: Image.Image, landscape: Landscape, depth: int, dice: random.Random) -> None:
    width, height = picture.size
    palette, nearness = landscape.palette, depth / 4
    base = 0.52 + 0.11 * depth
    line = [
        (x / 400, base - rise)
        for x, rise in enumerate(contour(dice, landscape.relief * (1 - nearness / 2), 401))
    ]
    shapes = [[(0, 1), *line, (1, 1)]]
    if depth == 4:
        shapes += [_tree(dice, line) for _ in range(landscape.trees)]
    mask = Image.new("L", (width * 2, height * 2))
    for shape in shapes:
        ImageDraw.Draw(mask).polygon([(x * width * 2, y * height * 2) for x, y in shape], fill=255)
    colour = mix(palette.far, palette.near, nearness)
    slope = _gradient([colour, colour, mix(colour, palette.horizon, 0.5 * (1 - nearness))], width, height)
    picture.paste(slope, (0, 0), mask.reduce(2))


def _tree(dice: random.Random, line: list[Point]) -> list[Point]:
    x, foot = dice.choice(line)
    tall = dice.uniform(0.06, 0.17)
    left = [(x - tall * share * 0.16, foot + tall * (share - 0.95)) for share in (0.3, 0.55, 0.8, 1.0)]
    return [(x, foot - tall), *left, *((2 * x - a, b) for a, b in reversed(left))]


def _mirror(picture: Image.Image, landscape: Landscape) -> None:
    width, height = picture.size
    shore = round(landscape.water * height)
    depth = height - shore
    above = picture.crop((0, max(0, shore - depth), width, shore)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    ripples = above.resize((width, max(1, depth // 9))).resize((width, depth), Image.Resampling.BICUBIC)
    tint = Image.new("RGB", ripples.size, landscape.palette.zenith)
    picture.paste(Image.blend(ripples, tint, 0.28), (0, shore))


def _with_grain(picture: Image.Image, dice: random.Random) -> Image.Image:
    width, height = picture.size
    noise = Image.frombytes("L", picture.size, dice.randbytes(width * height))
    grain = noise.point(lambda level: 123 + level // 26)
    return ImageChops.overlay(picture, Image.merge("RGB", (grain, grain, grain)))
