"""Sign-in at an issuer of another site, in a real browser: its rules of cookies decide whether it works."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from browser.chromium import axe_findings
from browser.conftest import Shown, show_console
from canaries import KEY
from oidc_issuer import CLIENT_SECRET, FakeIssuer
from scripted_server import Asked, Reply, Server

from damlink._config.load import loads
from damlink._run.session import Session

pytestmark = pytest.mark.acceptance

CONFIG = """
[console.oidc]
issuer = "{issuer}"
client_id = "console"
client_secret = {{ env = "OIDC_SECRET" }}
administrators = ["dam-admins"]
"""
GO = "&go=yes"


class IssuerWithPage(FakeIssuer):
    """An issuer that asks the person first, so that its own page leads back, and not that of the console."""

    def answer(self, asked: Asked) -> Reply:
        parts = urlsplit(asked.path)
        if parts.path != "/authorize" or parts.query.endswith(GO):
            return super().answer(asked)
        page = f'<title>Issuer</title><a href="/authorize?{parts.query}{GO}">Continue as Ann</a>'
        return Reply(200, page.encode(), {"content-type": "text/html"})


@pytest.fixture
def console(
    chromium: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> Iterator[Shown]:
    """A console at 127.0.0.1, and its issuer at `localhost`: another site to a browser."""
    monkeypatch.setenv("DAMLINK_KEY", KEY)
    monkeypatch.setenv("OIDC_SECRET", CLIENT_SECRET)
    issuer = IssuerWithPage(server, lambda: datetime.now(UTC))
    issuer.url = server.url.replace("127.0.0.1", "localhost")
    text = CONFIG.format(issuer=issuer.url)
    (tmp_path / "damlink.toml").write_text(text)
    with Session(loads(text, tmp_path / "damlink.toml")) as session:
        yield from show_console(session)


def test_person_when_back_from_another_site_is_signed_in(chromium: Any, console: Shown) -> None:
    with contextlib.closing(chromium.new_context()) as context:
        page = context.new_page()
        page.goto(f"{console.origin}/connectors")
        assert axe_findings(page) == []
        page.get_by_role("link", name="Sign in at http://localhost").click()
        page.get_by_role("link", name="Continue as Ann").click()
        page.get_by_text("Signed in: oidc:ann (administrator)").wait_for()
        assert page.url == f"{console.origin}/"
        cookies = {each["name"]: each for each in context.cookies(console.origin)}
        assert list(cookies) == ["damlink_console"]
        assert cookies["damlink_console"]["sameSite"] == "Strict"


def test_answer_when_another_person_has_begun_it_signs_no_one_in(chromium: Any, console: Shown) -> None:
    # The other one keeps the answer, and gives its address away.
    with httpx.Client(trust_env=False) as other:
        page = other.get(f"{console.origin}/oidc/begin").headers["location"]
        address = other.get(page + GO).headers["location"]
    with contextlib.closing(chromium.new_context()) as context:
        answer = context.new_page().goto(address)
        assert (answer.status, "was not begun in this browser" in answer.text()) == (403, True)
        assert context.cookies(console.origin) == []
