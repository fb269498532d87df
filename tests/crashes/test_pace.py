"""Three processes with databases of their own, at one portal: its limit is the judge."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import httpx
import pytest
from loopback import COMMAND, Site

LIMIT, WINDOW_SECONDS = 60, 4.0
MINUTE = 60.0


def start_beside(site: Site, folder: Path) -> subprocess.Popen[bytes]:
    """Another folder with the same config and a database of its own, on the same machine."""
    folder.mkdir()
    (folder / "damlink.toml").write_text((site.folder / "damlink.toml").read_text(), encoding="utf-8")
    return subprocess.Popen([*COMMAND, "run"], cwd=folder, env=site.environment, stderr=subprocess.DEVNULL)


@pytest.mark.acceptance
@pytest.mark.timeout(300)
def test_three_processes_never_pass_the_limit_and_use_the_budget(site: Site, tmp_path: Path) -> None:
    site.istock.control("license", {"count": 400, "size": 5_000})
    site.portal.control("pace", {"requests": LIMIT, "seconds": WINDOW_SECONDS})
    site.tables["pace"] = {"requests": LIMIT, "seconds": WINDOW_SECONDS, "share": 1.0}
    site.connector(adopt_existing=False, workers=8)
    counts = site.sandbox.world.counts
    children = [start_beside(site, tmp_path / f"beside-{number}") for number in range(3)]
    until = time.monotonic() + 15
    while time.monotonic() < until:  # every run is at work
        time.sleep(0.1)
    before, since = counts["requests:portal"], time.monotonic()
    while time.monotonic() - since < MINUTE:
        time.sleep(0.1)
    used = counts["requests:portal"] - before
    for child in children:
        child.kill()
        child.wait()
    judged = httpx.get(f"{site.sandbox.origins['control']}/pace", trust_env=False).json()
    assert judged["refused"] == 0, judged
    assert used >= 0.95 * LIMIT * MINUTE / WINDOW_SECONDS
