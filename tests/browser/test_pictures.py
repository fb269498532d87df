"""Pictures of the main pages for the docs; `make pictures` puts them there."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from browser.chromium import watch
from PIL import Image

pytestmark = pytest.mark.acceptance

MOST_BYTES = 60_000
COLOURS = 64
WINDOW = {"width": 960, "height": 600}
PICTURES = {
    "overview": "/",
    "assets": "/assets?connector=stock",
    "asset": "/asset?connector=stock&id=90",
    "runs": "/runs?connector=stock",
    "browse": "/plugins",
}


def save_picture(taken: bytes, path: Path) -> None:
    """Save a picture in few colours."""
    Image.open(BytesIO(taken)).convert("RGB").quantize(COLOURS).save(path, optimize=True)


@pytest.mark.parametrize(("name", "address"), PICTURES.items(), ids=list(PICTURES))
def test_picture_when_taken_is_small(
    chromium: Any, shown: Any, tmp_path: Path, name: str, address: str
) -> None:
    path = Path(os.environ.get("PICTURES", tmp_path)) / f"console-{name}.png"
    with watch(chromium, shown.origin, shown.cookies, viewport=WINDOW, color_scheme="light") as watched:
        watched.open(address)
        taken = watched.page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": 960, "height": 720})
    save_picture(taken, path)
    assert path.stat().st_size <= MOST_BYTES
