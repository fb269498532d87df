"""The operations of a transformation.

Source: Bynder's published definition of dynamic asset transformations; what each does beside its name
is assumed.
"""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image, ImageColor, ImageDraw, ImageFilter

from damlink_sandbox.bynder.picture import flatten

# Pixels of a side that may be asked for (assumed).
_LONGEST = 10_000

# Shares of width and height.
Point = tuple[float, float]
GRAVITIES: dict[str, Point] = {
    "topleft": (0, 0), "top": (0.5, 0), "topright": (1, 0),
    "left": (0, 0.5), "center": (0.5, 0.5), "right": (1, 0.5),
    "bottomleft": (0, 1), "bottom": (0.5, 1), "bottomright": (1, 1),
}  # fmt: skip


class _Parameters:
    """The parameters of one operation, each of its own type.

    Raises:
        ValueError: from every method: not what it should be.
    """

    def __init__(self, given: dict[str, str], middle: Point) -> None:
        self._given, self._middle = given, middle

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def whole(self, name: str, least: int = 1, most: int = _LONGEST) -> int | None:
        """Return a number of pixels or degrees; `None` where it is not given."""
        if name not in self._given:
            return None
        value = int(self._given[name])
        if not least <= value <= most:
            raise ValueError(name)
        return value

    def colour(self, name: str) -> tuple[int, ...]:
        """Return a colour by name or in hexadecimal; transparent where it is not given."""
        text = self._given.get(name)
        if text is None:
            return (0, 0, 0, 0)
        is_hex = len(text) in (3, 6) and all(one in "0123456789abcdefABCDEF" for one in text)
        return ImageColor.getcolor(f"#{text}" if is_hex else text, "RGBA")  # type: ignore[return-value]

    def gravity(self) -> Point:
        """Return the point of attention; the focus point where it is not given."""
        if "gravity" not in self._given:
            return self._middle
        if self._given["gravity"] not in GRAVITIES:
            raise ValueError("gravity")
        return GRAVITIES[self._given["gravity"]]

    def ratio(self) -> float | None:
        """Width by height of `16x9`."""
        if "aspectratio" not in self._given:
            return None
        width, height = (int(part) for part in self._given["aspectratio"].split("x"))
        if min(width, height) < 1:
            raise ValueError("aspectratio")
        return width / height

    def shape(self) -> str:
        """`square` or `circle`."""
        shape = self._given.get("shape", "square")
        if shape not in ("square", "circle"):
            raise ValueError("shape")
        return shape


def _background(image: Image.Image, given: _Parameters) -> Image.Image:
    if "color" not in given:
        raise ValueError("color")
    return flatten(image, given.colour("color")).convert("RGBA")


def _crop(image: Image.Image, given: _Parameters) -> Image.Image:
    """Return the cut of that size, at `x` and `y` or else by gravity; what lies outside shows the
    background.
    """
    size = given.whole("width") or image.width, given.whole("height") or image.height
    at = _place(image.size, size, given.gravity())
    x, y = given.whole("x", 0), given.whole("y", 0)
    left, top = at[0] if x is None else x, at[1] if y is None else y
    under = Image.new("RGBA", size, given.colour("background"))
    # It blurs what shows outside the picture (assumed).
    if blur := given.whole("blur", 0, 1000):
        under = image.resize(size).filter(ImageFilter.GaussianBlur(blur))
    under.paste(image, (-left, -top))
    return _circle(under, given) if given.shape() == "circle" else under


def _place(outer: tuple[int, int], inner: tuple[int, int], middle: Point) -> tuple[int, int]:
    """Return where `inner` begins so that it is around that point, and within `outer` if it fits."""
    starts = []
    for whole, part, share in zip(outer, inner, middle, strict=True):
        start = round(whole * share - part / 2)
        starts.append(max(0, min(start, whole - part)) if part <= whole else (whole - part) // 2)
    return starts[0], starts[1]


def _circle(image: Image.Image, given: _Parameters) -> Image.Image:
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).ellipse((0, 0, image.width - 1, image.height - 1), fill=255)
    under = Image.new("RGBA", image.size, given.colour("background"))
    under.paste(image, (0, 0), mask)
    return under


def _extend(image: Image.Image, given: _Parameters) -> Image.Image:
    size = max(given.whole("width") or 0, image.width), max(given.whole("height") or 0, image.height)
    under = Image.new("RGBA", size, given.colour("background"))
    under.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return under


def _fill(image: Image.Image, given: _Parameters) -> Image.Image:
    """Scaled until it covers the size, then cut to it."""
    width, height, ratio = given.whole("width"), given.whole("height"), given.ratio()
    if ratio is None:
        width, height = width or image.width, height or image.height
    elif width is None and height is None:
        width = min(image.width, round(image.height * ratio))
    width = width or round((height or 1) * (ratio or 1)) or 1
    height = height or round(width / (ratio or 1)) or 1
    factor = max(width / image.width, height / image.height)
    large = _resize(image, max(width, image.width * factor), max(height, image.height * factor))
    left, top = _place(large.size, (width, height), given.gravity())
    return large.crop((left, top, left + width, top + height))


def _fit(image: Image.Image, given: _Parameters) -> Image.Image:
    """Scaled until it is within the size, as it is otherwise."""
    sides = (given.whole("width"), image.width), (given.whole("height"), image.height)
    factors = [wanted / side for wanted, side in sides if wanted is not None]
    factor = min(factors, default=1.0)
    return _resize(image, image.width * factor, image.height * factor)


def _scale(image: Image.Image, given: _Parameters) -> Image.Image:
    """Scale to exactly that size; a side that is not given follows the other."""
    width, height = given.whole("width"), given.whole("height")
    if width is None or height is None:
        return _fit(image, given)
    return _resize(image, width, height)


def _resize(image: Image.Image, width: float, height: float) -> Image.Image:
    size = max(1, round(width)), max(1, round(height))
    if max(size) > _LONGEST:
        raise ValueError("size")
    return image.resize(size)


def _rotate(image: Image.Image, given: _Parameters) -> Image.Image:
    """Clockwise (assumed); the picture grows so that nothing is cut off."""
    angle = given.whole("angle", 0, 360) or 0
    return image.rotate(-angle, expand=True, fillcolor=given.colour("background"))


def _flip(image: Image.Image, _given: _Parameters) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)


def _mirror(image: Image.Image, _given: _Parameters) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


_Operation = Callable[[Image.Image, _Parameters], Image.Image]
_OPERATIONS: dict[str, tuple[_Operation, frozenset[str]]] = {
    "background": (_background, frozenset({"color"})),
    "crop": (_crop, frozenset({"width", "height", "x", "y", "gravity", "shape", "blur", "background"})),
    "extend": (_extend, frozenset({"width", "height", "background"})),
    "fill": (_fill, frozenset({"width", "height", "gravity", "aspectratio"})),
    "fit": (_fit, frozenset({"width", "height"})),
    "flip": (_flip, frozenset()),
    "mirror": (_mirror, frozenset()),
    "rotate": (_rotate, frozenset({"angle", "background"})),
    "scale": (_scale, frozenset({"width", "height"})),
}


def transform_image(image: Image.Image, operation: str, given: dict[str, str], middle: Point) -> Image.Image:
    """Apply one operation to the picture.

    Raises:
        ValueError: an unknown operation or parameter, or a value that does not do.
    """
    act, names = _OPERATIONS.get(operation, (None, frozenset()))
    if act is None or not given.keys() <= names:
        raise ValueError(operation)
    return act(image, _Parameters(given, middle))
