"""A new connector from its first step to its first asset, with a sign-in, in every way to use a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from browser.chromium import axe_findings, watch
from browser.conftest import Shown, show_console
from browser.hands import WAYS, Way, press_by_tabs
from browser.walks import Walk
from canaries import KEY
from playwright.sync_api import Page

from damlink._config.load import load
from damlink._run.session import Session
from damlink_gelato.sandbox import GelatoSandbox
from damlink_sandbox import Sandbox

pytestmark = pytest.mark.acceptance

PATIENCE_SECONDS: Final = 120.0


@attrs.define
class Empty:
    """A console of an empty config, and a portal of another site: `localhost` to a console at `127.0.0.1`."""

    shown: Shown
    sandbox: Sandbox

    @property
    def portal(self) -> Any:
        return self.sandbox.part("bynder")

    @property
    def portal_url(self) -> str:
        return self.sandbox.origins["portal"].replace("127.0.0.1", "localhost")

    @property
    def answers(self) -> dict[str, Any]:
        """What a person types: the portal takes a person's consent."""
        own = {"url": self.portal_url, "auth": "oauth2-code", "client_id": self.portal.client_id}
        return {
            **self.sandbox.part("gelato").connector(),
            **own,
            "client_secret": self.portal.client_secret,
        }

    def has_arrived(self) -> bool:
        """Whether the partner's link is at an asset of the portal."""
        return any("Gelato_URL" in each["metaproperties"] for each in self.portal.state()["assets"])


@pytest.fixture
def empty(chromium: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Empty]:
    monkeypatch.setenv("DAMLINK_KEY", KEY)
    monkeypatch.setenv("DAMLINK_STATE_DIR", str(tmp_path))
    (tmp_path / "damlink.toml").touch()
    (tmp_path / "world").mkdir()
    with (
        Sandbox([GelatoSandbox], folder=tmp_path / "world") as sandbox,
        Session(load(tmp_path / "damlink.toml")) as session,
    ):
        sandbox.furnish()
        for shown in show_console(session):
            found = Empty(shown, sandbox)
            found.portal.control("tokens", {"redirects": [f"{shown.origin}/sign-in/callback"]})
            yield found


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.fixture
def page(chromium: Any, empty: Empty, way: Way) -> Iterator[Page]:
    """A window on the first page, for one way of use."""
    origin, others = empty.shown.origin, [empty.portal_url]
    with watch(chromium, origin, empty.shown.cookies, others=others, **way.options) as watched:
        watched.open("/")
        yield watched.page


def _agree(page: Page, way: Way, words: str) -> None:
    """Press a button of the portal's own page."""
    if way.name == "keyboard":
        press_by_tabs(page, words)
    else:
        way.press(page, words)


def test_connector_when_added_in_every_way_carries_its_first_asset(
    page: Page, empty: Empty, way: Way
) -> None:
    walk = Walk(page, empty.answers, way=way)
    walk.begin("gelato", "Prints", "brand")
    walk.answer_steps()
    draft = page.url
    assert "a person has to sign in" in page.inner_text("main")
    way.press(page, "Sign in at brand")
    assert f"{empty.shown.origin}/sign-in/callback" in page.inner_text("main")
    way.press(page, "Continue to localhost")
    assert page.url.startswith(f"{empty.portal_url}/")
    _agree(page, way, "Allow")
    page.wait_for_url(draft)
    assert "brand: signed in" in page.inner_text("main")
    said = walk.try_and_write()
    assert {each.split()[0] for each in said} == {"ok"}
    walk.run_to_the_first_asset(empty.has_arrived, PATIENCE_SECONDS)
    assert "pushed" in walk.open_first_asset()
    assert empty.has_arrived()


def test_sign_in_when_denied_says_so_and_the_code_leaves_the_address(
    page: Page, empty: Empty, way: Way
) -> None:
    text = (
        f'[portals.brand]\nurl = "{empty.portal_url}"\nauth = "oauth2-code"\n'
        f'client_id = "{empty.portal.client_id}"\nclient_secret = {{ env = "CLIENT_SECRET" }}\n'
    )
    empty.shown.session.config.path.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIENT_SECRET", empty.portal.client_secret)
        way.press(page, "Portals")
        way.press(page, "Sign in at brand")
        if way.name != "without-javascript":
            assert axe_findings(page) == []
        way.press(page, "Continue to localhost")
        _agree(page, way, "Deny")
        page.wait_for_url("**/sign-in/result")
        assert "consent was refused: access_denied" in page.get_by_role("alert").inner_text()
        if way.name != "without-javascript":
            assert axe_findings(page) == []
        way.press(page, "Continue to the console")
        assert page.url == f"{empty.shown.origin}/portals"
        way.press(page, "Sign in at brand")
        way.press(page, "Continue to localhost")
        _agree(page, way, "Allow")
        page.wait_for_url("**/portals")
        assert "it is renewed by itself" in page.inner_text("main")
        cookies = {each["name"]: each["sameSite"] for each in page.context.cookies(empty.shown.origin)}
        assert cookies["damlink_consent"] == "Lax"
