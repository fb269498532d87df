"""From `pip install` to the first asset in the portal through pages alone, for each partner."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from browser.chromium import watch
from browser.from_nothing import Installation, build_wheels, install, start_console
from browser.walks import Walk

from damlink_sandbox import Sandbox

pytestmark = pytest.mark.acceptance

MOST_SECONDS: Final = 300.0
PATIENCE_SECONDS: Final = 200.0
# What the person types beside what the sandbox's account has: see the help of each setting.
OWN: Final = {
    "istock": {"sync_after": (datetime.now(UTC) - timedelta(days=90)).date(), "send_to_waiting_room": False},
    "imatag": {},
    "gelato": {},
}
# The settings that the pages ask for first, page by page. Those of iStock stand in the order that people
# know: the portal, the waiting room, the account, the licence model, videos, the date, the organisation.
STEPS: Final = {
    "istock": [
        ["url", "auth"],
        ["token", "brand"],
        ["send_to_waiting_room", "api_key", "api_secret", "username"],
        ["password"],
        ["license_model", "include_videos", "sync_after", "sync_organization_assets"],
    ],
    "imatag": [["url", "auth"], ["token", "brand"], ["api_key"]],
    "gelato": [["url", "auth"], ["token", "brand"], ["tag", "api_key", "account_id", "import_url"]],
}


@attrs.frozen
class Installed:
    """An installation, and how long it took."""

    installation: Installation
    seconds: float


@pytest.fixture(scope="module")
def installed() -> Iterator[Installed]:
    # Not where tests keep their files: the sandbox that is installed has its secrets in its source.
    with tempfile.TemporaryDirectory(prefix="damlink-installed-") as folder:
        wheels = build_wheels(Path(folder))
        begin = time.monotonic()
        installation = install(Path(folder) / "venv", wheels)
        yield Installed(installation, time.monotonic() - begin)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    (tmp_path / "world").mkdir()
    with Sandbox(folder=tmp_path / "world") as running:
        yield running


def _partner_answers(sandbox: Sandbox, partner: str) -> dict[str, Any]:
    return {**sandbox.part("bynder").connector(), **sandbox.part(partner).connector(), **OWN[partner]}


def _has_arrived(sandbox: Sandbox, partner: str) -> bool:
    """Whether the partner's first asset is in the portal, or the portal's first one at the partner."""
    assets = sandbox.part("bynder").state()["assets"]
    return {
        "istock": lambda: any("iStock" in each["tags"] for each in assets),
        "imatag": lambda: any(len(each["versions"]) > 1 for each in assets),
        "gelato": lambda: any("Gelato_URL" in each["metaproperties"] for each in assets),
    }[partner]()


@contextlib.contextmanager
def _open_empty(browser: Any, installation: Installation, site: Path) -> Iterator[Any]:
    """Start a console in an empty folder, and yield the page that its address opens."""
    site.mkdir()
    with (
        start_console(installation, site) as address,
        watch(browser, address.partition("/enter")[0]) as watched,
    ):
        watched.page.goto(address)
        yield watched.page


@pytest.mark.parametrize("partner", OWN)
def test_pages_when_followed_from_an_installation_lead_to_the_first_asset(
    chromium: Any, installed: Installed, sandbox: Sandbox, tmp_path: Path, partner: str, capsys: Any
) -> None:
    getattr(sandbox.part(partner), "furnish", lambda _parts: None)(sandbox.parts)
    begin = time.monotonic()
    with _open_empty(chromium, installed.installation, tmp_path / "site") as page:
        walk = Walk(page, _partner_answers(sandbox, partner))
        walk.begin(partner, f"My {partner}", "brand")
        walk.answer_steps()
        said = walk.try_and_write()
        walk.run_to_the_first_asset(lambda: _has_arrived(sandbox, partner), PATIENCE_SECONDS)
        total = installed.seconds + time.monotonic() - begin
        story = walk.open_first_asset()
    with capsys.disabled():
        sys.stdout.write(f"\n{partner}: {total:.0f} s, of which pip install {installed.seconds:.0f} s\n")
    assert walk.asked[: len(STEPS[partner])] == STEPS[partner]
    assert {each.split()[0] for each in said} == {"ok"}
    assert _has_arrived(sandbox, partner)
    assert "pushed" in story
    assert total < MOST_SECONDS
