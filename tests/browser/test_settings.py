"""A person changes settings, and begins a connector, in every way to use a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser.chromium import watch
from browser.hands import WAYS, Way

pytestmark = pytest.mark.acceptance


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.fixture
def page(chromium: Any, shown: Any, way: Way) -> Iterator[Any]:
    """A window on the first page, for one way of use."""
    with watch(chromium, shown.origin, shown.cookies, **way.options) as watched:
        watched.open("/")
        yield watched.page


def test_setting_when_changed_is_shown_as_a_difference_and_nothing_is_written(
    page: Any, shown: Any, way: Way
) -> None:
    before = shown.session.config.path.read_bytes()
    way.press(page, "stock")
    way.press(page, "Change the settings")
    way.type(page, "set.workers", "3")
    way.press(page, "Show what this changes")
    assert "+workers = 3" in page.inner_text("main pre")
    assert shown.session.config.path.read_bytes() == before


def test_setting_when_answered_wrongly_is_shown_again_with_the_reason(page: Any, way: Way) -> None:
    way.press(page, "stock")
    way.press(page, "Change the settings")
    way.type(page, "set.workers", "many")
    way.press(page, "Show what this changes")
    assert "workers" in page.get_by_role("alert").inner_text()
    assert page.locator("[name='set.workers']").input_value() == "many"


def test_connector_when_begun_is_asked_for_step_by_step(page: Any, way: Way) -> None:
    way.press(page, "Browse")
    way.press(page, "Add a connector of gelato")
    way.type(page, "title", f"Prints, by {way.name}")
    way.press(page, "Continue")
    way.type(page, "set.tag", "Gelato")
    way.type(page, "set.api_key.new", "a-key")
    way.press(page, "Continue")
    assert "set.mode" in page.content()
    assert "a-key" not in page.content()
