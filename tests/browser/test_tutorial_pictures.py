"""Pictures of the administrator's tutorial, taken on its way; `make pictures` puts them there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
from browser.chromium import watch
from browser.conftest import show_console
from browser.test_pictures import save_picture
from browser.walks import Walk
from playwright.sync_api import Page

from damlink._config.load import load
from damlink._run.session import Session
from damlink_istock.sandbox import IStockSandbox
from damlink_sandbox import Sandbox, SnsSandbox

pytestmark = pytest.mark.acceptance

PAGE: Final = Path(__file__).parents[2] / "docs/tutorial/console.md"
WINDOW: Final = {"width": 960, "height": 600}
MOST_BYTES: Final = 60_000
MOST_HEIGHT: Final = 1600
# What the reader of the tutorial types.
TITLE, PORTAL = "Marketing", "brand"
CHOSEN: Final = {"sync_after": date(2026, 9, 1), "requests_per_second": 100}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """The sandbox, on the ports that the tutorial names where the pictures are kept."""
    port = 9000 if "PICTURES" in os.environ else 0
    with Sandbox([SnsSandbox, IStockSandbox], folder=tmp_path, port=port) as running:
        yield running


@pytest.fixture
def empty(chromium: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A window on the console of an empty config."""
    monkeypatch.setenv("DAMLINK_STATE_DIR", str(tmp_path))
    (tmp_path / "damlink.toml").touch()
    with Session(load(tmp_path / "damlink.toml")) as session:
        for shown in show_console(session):
            options = {"viewport": WINDOW, "color_scheme": "light"}
            with watch(chromium, shown.origin, shown.cookies, **options) as watched:
                watched.open("/")
                yield watched.page


def _take(page: Page, path: Path) -> None:
    """Keep a picture of what a page shows above its foot."""
    bottom = page.locator("main").evaluate("main => main.getBoundingClientRect().bottom + scrollY")
    height = min(MOST_HEIGHT, bottom)
    taken = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": WINDOW["width"], "height": height})
    save_picture(taken, path)


def test_tutorial_when_followed_shows_the_pages_of_its_pictures(
    empty: Page, sandbox: Sandbox, tmp_path: Path
) -> None:
    folder = Path(os.environ.get("PICTURES", tmp_path))
    answers = {**sandbox.part("bynder").connector(), **sandbox.part("istock").connector(), **CHOSEN}
    taken: list[Path] = []

    def look(page: Page, name: str) -> None:
        taken.append(folder / f"tutorial-{name}.png")
        _take(page, taken[-1])

    walk = Walk(empty, answers, look)
    walk.begin("istock", TITLE, PORTAL)
    walk.answer_steps()
    walk.try_and_write()
    walk.run_to_the_first_asset(lambda: bool(sandbox.part("bynder").state()["assets"]), 120)
    walk.open_first_asset()
    shown = [path for path in taken if f"images/{path.name}" in PAGE.read_text("utf-8")]
    assert len(shown) == PAGE.read_text("utf-8").count("images/tutorial-")
    assert max(path.stat().st_size for path in shown) <= MOST_BYTES
    for path in set(taken) - set(shown):
        path.unlink()
