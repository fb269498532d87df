"""A person's way from nothing to the first asset in the portal, through the pages of the console alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs
from browser.hands import WAYS, Way
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
        way: in which the pages are used.
        asked: the settings that the pages have asked for, each page by itself.
    """

    page: Page
    answers: Answers
    look: Look = lambda _page, _name: None
    way: Way = WAYS[0]
    asked: list[list[str]] = attrs.field(factory=list)

    def begin(self, plugin: str, title: str, portal: str) -> None:
        """Go from the overview to the first step, and name the connector and a new portal."""
        self.look(self.page, "empty")
        self.way.press(self.page, "Browse")
        self.look(self.page, "plugins")
        self.way.press(self.page, f"Add a connector of {plugin}")
        self.way.type(self.page, "title", title)
        self.way.type(self.page, "new_portal", portal)
        self.look(self.page, "name")
        self.way.press(self.page, "Continue")

    def answer_steps(self) -> None:
        """Answer each step until the difference of the config is shown."""
        for number in range(MOST_STEPS):
            if "/setup" not in self.page.url:
                return
            self._answer_one()
            self.look(self.page, f"step-{number}")
            self.way.press(self.page, "Continue")
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
        is_secret = self.page.locator(f"[name='set.{name}.new']").count()
        field = f"set.{name}.new" if is_secret else f"set.{name}"
        is_list = self.page.locator(f"select[name='{field}']").count()
        (self.way.choose if is_list else self.way.type)(self.page, field, text)

    def try_and_write(self) -> list[str]:
        """Ask both sides, write the connector enabled, and return what both sides have said."""
        self.way.press(self.page, "Try it: ask both sides")
        self.look(self.page, "trial")
        said = self.page.get_by_role("main").locator("ul > li").all_inner_texts()
        self.way.press(self.page, "Write it, enabled")
        return said

    def run_to_the_first_asset(self, is_there: Callable[[], bool], patience_seconds: float) -> None:
        """Start a run, and look at the page again until it has ended and the asset is there."""
        self.look(self.page, "connector")
        self.way.press(self.page, "Run now")
        ended = self.page.get_by_text(re.compile("exit 0"))
        for _ in range(int(patience_seconds)):
            if is_there() and ended.count():
                break
            self.page.wait_for_timeout(1000)
            self.page.reload()
        self.look(self.page, "ran")

    def open_first_asset(self) -> str:
        """Go to the first asset of the list that was carried; return what its page says."""
        self.way.press(self.page, "Assets")
        self.look(self.page, "assets")
        row = self.page.get_by_role("row").filter(has_text="pushed").first
        expect(row).to_be_visible()
        self.way.press(self.page, row.get_by_role("link").first.inner_text())
        self.look(self.page, "asset")
        return self.page.get_by_role("main").inner_text()
