"""The ways in which a person uses a page: by mouse, with and without JavaScript, and by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs
from playwright.sync_api import Page

__all__ = ["WAYS", "Way", "press_by_keyboard", "press_by_mouse", "press_by_tabs"]

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


def press_by_tabs(page: Page, words: str) -> None:
    """Go to the button with these words by the key Tab, and press Enter; on a page that is not ours."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == words:
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    raise AssertionError(f"the key Tab does not lead to {words!r}")


def type_by_mouse(page: Page, name: str, text: str) -> None:
    """Fill the field with this name."""
    page.locator(f"[name='{name}']").fill(text)


def type_by_keyboard(page: Page, name: str, text: str) -> None:
    """Go to the field with this name by the key Tab, and replace what is in it.

    Raises:
        AssertionError: the key does not lead there.
    """
    _go_to_field(page, name)
    page.keyboard.press("Control+A")
    # As if pasted: Enter, for a line break, would send the form of a field with one line.
    page.keyboard.insert_text(text)


def _go_to_field(page: Page, name: str) -> None:
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('name')") == name:
            return
    raise AssertionError(f"the key Tab does not lead to the field {name!r}")


def choose_by_mouse(page: Page, name: str, text: str) -> None:
    """Choose an option of the list with this name."""
    page.locator(f"[name='{name}']").select_option(text)


def choose_by_keyboard(page: Page, name: str, text: str) -> None:
    """Go to the list with this name by the key Tab, and type the option.

    Raises:
        AssertionError: the key does not lead there, or the option is not chosen.
    """
    _go_to_field(page, name)
    page.keyboard.type(text)
    assert page.locator(f"[name='{name}']").input_value() == text


@attrs.frozen
class Way:
    """One way of use.

    Attributes:
        press: follows a link, or presses a button.
        type: fills a field, by its name.
        choose: chooses an option of a list, by its name.
        options: how the window is opened.
    """

    name: str
    press: Callable[[Page, str], None]
    type: Callable[[Page, str, str], None]
    choose: Callable[[Page, str, str], None]
    options: dict[str, Any] = attrs.field(factory=dict)


WAYS: Final = (
    Way("mouse", press_by_mouse, type_by_mouse, choose_by_mouse),
    Way(
        "without-javascript",
        press_by_mouse,
        type_by_mouse,
        choose_by_mouse,
        {"java_script_enabled": False},
    ),
    Way("keyboard", press_by_keyboard, type_by_keyboard, choose_by_keyboard),
)
