"""A person decides on assets in a real browser, in every way to use a page."""

from __future__ import annotations

from typing import Any

import pytest
from browser.chromium import watch
from browser.conftest import REJECTED, UNCERTAIN
from browser.hands import WAYS, Way

pytestmark = pytest.mark.acceptance


def _decide(chromium: Any, shown: Any, way: Way, *words: str) -> str:
    """Go from the first page by these words, and return the state that the last page shows."""
    with watch(chromium, shown.origin, shown.cookies, **way.options) as watched:
        watched.open("/")
        for each in words:
            way.press(watched.page, each)
        return str(watched.page.locator("tr", has_text="State").locator("td").inner_text())


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_asset_when_uncertain_is_settled(chromium: Any, shown: Any, way: Way) -> None:
    number = 90 + 2 * WAYS.index(way)
    words = (UNCERTAIN, str(number), "It has not arrived: carry it again")
    assert _decide(chromium, shown, way, *words) == "due"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_asset_when_rejected_is_made_due(chromium: Any, shown: Any, way: Way) -> None:
    number = 91 + 2 * WAYS.index(way)
    assert _decide(chromium, shown, way, REJECTED, str(number), "Make it due again") == "due"
