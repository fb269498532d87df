"""The ways in which a person uses a page: by mouse, with and without JavaScript, and by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs
from playwright.sync_api import Page

__all__ = ["WAYS", "Way", "press_by_keyboard", "press_by_mouse"]

MOST_TABS: Final = 200
# The text of what has the focus, and whether it can be seen that it has.
_FOCUSED: Final = """() => {
    const focused = document.activeElement, outline = getComputedStyle(focused);
    return [focused.innerText, outline.outlineStyle !== 'none' && parseFloat(outline.outlineWidth) >= 2];
}"""


def press_by_mouse(page: Page, words: str) -> None:
    """Click the link or button with these words, and wait for the next page."""
    link, button = (page.get_by_role(role, name=words, exact=True) for role in ("link", "button"))
    with page.expect_navigation():
        link.or_(button).first.click()


def press_by_keyboard(page: Page, words: str) -> None:
    """Go to the link or button with these words by the key Tab, press Enter, and wait for the next page.

    Raises:
        AssertionError: the key does not lead there, or it cannot be seen where it leads.
    """
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        text, is_seen = page.evaluate(_FOCUSED)
        assert is_seen, f"no mark of the focus on {text!r}"
        if text == words:
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    raise AssertionError(f"the key Tab does not lead to {words!r}")


@attrs.frozen
class Way:
    """One way of use.

    Attributes:
        press: follows a link, or presses a button.
        options: how the window is opened.
    """

    name: str
    press: Callable[[Page, str], None]
    options: dict[str, Any] = attrs.field(factory=dict)


WAYS: Final = (
    Way("mouse", press_by_mouse),
    Way("without-javascript", press_by_mouse, {"java_script_enabled": False}),
    Way("keyboard", press_by_keyboard),
)
