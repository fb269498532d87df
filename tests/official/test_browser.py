"""`damlink login` with a real browser: a person clicks, and the portal lets Damlink in."""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import Site, ask_for_consent
from official.browser import Page, browser, installed

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(installed() is None, reason="needs Chromium: apt-get install chromium"),
]


@pytest.fixture
def code_site(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A portal that wants a person's consent, sent back to a free port."""
    monkeypatch.setenv("CLIENT_SECRET", site.portal.client_secret)
    ask_for_consent(site, "localhost")
    return site


@pytest.fixture
def page() -> Iterator[Page]:
    # Not below `tmp_path`: a browser keeps the pages that it has shown.
    with tempfile.TemporaryDirectory() as profile, browser(installed() or "", Path(profile)) as page:
        yield page


@contextlib.contextmanager
def login(site: Site) -> Iterator[subprocess.Popen[str]]:
    """The command, which does not outlive the block."""
    with site.start("login", "brand", "--no-browser") as child:
        try:
            yield child
        finally:
            child.kill()


def address(child: subprocess.Popen[str]) -> str:
    """The address that the command asks to open."""
    assert child.stderr
    said = ""
    while not (found := re.search(r"^http://\S+$", said, re.MULTILINE)):
        line = child.stderr.readline()
        assert line, f"it ended early: {said}"
        said += line
    return found[0]


@pytest.mark.parametrize(
    ("button", "code", "said"),
    [
        pytest.param("Allow", 0, "brand: signed in", id="allowed"),
        pytest.param("Deny", 4, "consent was refused: access_denied", id="denied"),
    ],
)
def test_login_when_a_person_clicks_in_a_browser(
    code_site: Site, page: Page, button: str, code: int, said: str
) -> None:
    code_site.run("check", expect=4)
    with login(code_site) as child:
        page.open(address(child))
        page.wait_for("Let this application in?")
        page.click(button)
        page.wait_for("You can close this page")
        _, err = child.communicate(timeout=60)
    assert (child.returncode, said in err) == (code, True), err
    code_site.run("check", expect=code)
