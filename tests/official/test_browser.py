"""`damlink login` with a real browser: a person clicks, and the portal lets Damlink in."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from official.browser import browser, installed

from damlink._config_edit import document
from damlink.sandbox import BynderSandbox, Sandbox

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(installed() is None, reason="needs Chromium: apt-get install chromium"),
]


@attrs.frozen
class Desk:
    """A person's folder, with a portal that wants their consent."""

    folder: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "damlink", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run a command to its end; its exit code, and what it said."""
        with self.start(*arguments) as child:
            out, err = child.communicate(timeout=60)
        return child.returncode, out + err


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([BynderSandbox]) as running:
        yield running


@pytest.fixture
def desk(sandbox: Sandbox, tmp_path: Path) -> Desk:
    portal: Any = sandbox.part("bynder")
    with socket.create_server(("127.0.0.1", 0)) as free:
        redirect = f"http://127.0.0.1:{free.getsockname()[1]}/callback"
    portal.control("tokens", {"redirects": [redirect]})
    brand = {
        "url": sandbox.origins["portal"],
        "auth": "oauth2-code",
        "client_id": portal.client_id,
        "client_secret": {"env": "CLIENT_SECRET"},
        "redirect_url": redirect,
    }
    (tmp_path / "damlink.toml").write_text(document({"portals": {"brand": brand}}), encoding="utf-8")
    own = {"CLIENT_SECRET": portal.client_secret, "DAMLINK_STATE_DIR": str(tmp_path)}
    return Desk(tmp_path, {**os.environ, **own})


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
    ("button", "shown", "code", "said"),
    [
        pytest.param("Allow", "You can close this page", 0, "brand: signed in", id="allowed"),
        pytest.param("Deny", "You can close this page", 4, "consent was refused: access_denied", id="denied"),
    ],
)
def test_login_when_a_person_clicks_in_a_browser(
    desk: Desk, button: str, shown: str, code: int, said: str
) -> None:
    path = installed() or ""
    with (
        desk.start("login", "brand", "--no-browser") as child,
        browser(path, desk.folder / "profile") as page,
    ):
        page.open(address(child))
        page.wait_for("Let this application in?")
        page.click(button)
        page.wait_for(shown)
        _, err = child.communicate(timeout=60)
    assert (child.returncode, said in err) == (code, True), err
    checked, out = desk.run("check")
    assert checked == code, out
