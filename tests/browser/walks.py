"""A person's way from nothing to the first asset in the portal, through the pages of the console alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs
from browser.hands import press_by_mouse
from playwright.sync_api import Page, expect

__all__ = ["Answers", "Look", "Walk", "typed_value"]

Answers = Mapping[str, Any]
Look = Callable[[Page, str], None]  # receives each page and its name, to keep a picture
MOST_STEPS: Final = 20
LAST: Final = "Try and write"


def typed_value(value: Any) -> str:
    """A value of a setting, as a person types it into a form."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f'{key} = "{each}"' for key, each in value.items()) + " }"
    return "\n".join(value) if isinstance(value, list) else str(value)


@attrs.define
class Walk:
    """One person at a browser, who sets up one connector.

    Attributes:
        answers: to the settings of the portal and of the connector, by their names.
        asked: the settings that the pages have asked for, each page by itself.
    """

    page: Page
    answers: Answers
    look: Look = lambda _page, _name: None
    asked: list[list[str]] = attrs.field(factory=list)

    def begin(self, plugin: str, title: str, portal: str) -> None:
        """Go from the overview to the first step, and name the connector and a new portal."""
        self.look(self.page, "empty")
        press_by_mouse(self.page, "Browse")
        self.look(self.page, "plugins")
        press_by_mouse(self.page, f"Add a connector of {plugin}")
        self.page.get_by_label("Name of the connector").fill(title)
        self.page.get_by_label("hort name for", exact=False).fill(portal)
        self.look(self.page, "name")
        press_by_mouse(self.page, "Continue")

    def answer_steps(self) -> None:
        """Answer each step until the difference of the config is shown."""
        for number in range(MOST_STEPS):
            if "/setup" not in self.page.url:
                return
            self._answer_one()
            self.look(self.page, f"step-{number}")
            press_by_mouse(self.page, "Continue")
        raise AssertionError(f"there are more than {MOST_STEPS} steps: {self.asked}")

    def _answer_one(self) -> None:
        names = list(self._find_settings())
        self.asked.append(names)
        for name in names:
            if name in self.answers:
                self._fill(name, typed_value(self.answers[name]))

    def _find_settings(self) -> Iterator[str]:
        for each in self.page.locator("form.settings [name^='set.']").all():
            name = str(each.get_attribute("name")).removeprefix("set.")
            if not name.endswith(".new"):
                yield name

    def _fill(self, name: str, text: str) -> None:
        new = self.page.locator(f"[name='set.{name}.new']")
        field = new if new.count() else self.page.locator(f"[name='set.{name}']")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(text)
        else:
            field.fill(text)

    def try_and_write(self) -> list[str]:
        """Ask both sides, write the connector enabled, and return what both sides have said."""
        press_by_mouse(self.page, "Try it: ask both sides")
        self.look(self.page, "trial")
        said = self.page.get_by_role("main").locator("ul > li").all_inner_texts()
        press_by_mouse(self.page, "Write it, enabled")
        return said

    def run_to_the_first_asset(self, is_there: Callable[[], bool], patience_seconds: float) -> None:
        """Start a run, and look at the page again until it has ended and the asset is there."""
        self.look(self.page, "connector")
        press_by_mouse(self.page, "Run now")
        ended = self.page.get_by_text(re.compile("exit 0"))
        for _ in range(int(patience_seconds)):
            if is_there() and ended.count():
                break
            self.page.wait_for_timeout(1000)
            self.page.reload()
        self.look(self.page, "ran")

    def open_first_asset(self) -> str:
        """Go to the first asset of the list that was carried; return what its page says."""
        press_by_mouse(self.page, "Assets")
        self.look(self.page, "assets")
        row = self.page.get_by_role("row").filter(has_text="pushed").first
        expect(row).to_be_visible()
        with self.page.expect_navigation():
            row.get_by_role("link").first.click()
        self.look(self.page, "asset")
        return self.page.get_by_role("main").inner_text()
