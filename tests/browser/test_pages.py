"""Every page of the console in a real browser: nothing that axe finds, no complaint, no foreign request."""

from __future__ import annotations

from typing import Any

import pytest
from browser.chromium import axe_findings, watch
from browser.hands import press_by_mouse

from damlink._console.pages import PAGES

MOST_BYTES = 80 * 1024
WINDOWS = {"narrow": {"width": 320, "height": 640}, "wide": {"width": 1280, "height": 800}}


@pytest.mark.acceptance
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS.values(), ids=list(WINDOWS))
@pytest.mark.parametrize("path", PAGES)
def test_page_when_looked_at_has_nothing_that_axe_finds(
    chromium: Any, shown: Any, addresses: dict[str, str], path: str, window: Any, scheme: Any
) -> None:
    with watch(chromium, shown.origin, shown.cookies, viewport=window, color_scheme=scheme) as watched:
        watched.open(addresses[path])
        assert axe_findings(watched.page) == []
        # Nothing but a table scrolls to the side.
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= window["width"]


@pytest.mark.servers
def test_console_when_entered_shows_its_first_page_in_few_bytes(chromium: Any, shown: Any) -> None:
    with watch(chromium, shown.origin, color_scheme="light") as watched:
        watched.open(f"/enter?link={shown.console.sessions.make_link()}")
        assert axe_findings(watched.page) == []
        assert 0 < sum(watched.sent) <= MOST_BYTES
        press_by_mouse(watched.page, "Browse")
        assert "istock" in watched.page.inner_text("main")
