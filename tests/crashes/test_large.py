"""Files of gigabytes: whole, in little memory, and from where a killed run had come."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from loopback import Site, assert_arrived_once_and_whole

GIB = 1024**3
POLL_SECONDS = 0.02

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]


def peak_megabytes(child: subprocess.Popen[str]) -> float:
    """The most memory that a process has held so far, in units of 1000² bytes; 0 once it has ended."""
    try:
        status = Path(f"/proc/{child.pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(lines.get("VmHWM", "0 kB").split()[0]) * 1024 / 1e6


def watched(child: subprocess.Popen[str]) -> float:
    """The peak of a process that is waited for."""
    peak = 0.0
    while child.poll() is None:
        peak = max(peak, peak_megabytes(child))
        time.sleep(POLL_SECONDS)
    child.communicate()
    return peak


def license_video(site: Site, size: int) -> str:
    (asset,) = site.istock.control("license", {"size": size, "kind": "video"})["ids"]
    return str(asset)


def test_video_of_a_gigabyte_arrives_in_less_than_150_megabytes(site: Site) -> None:
    video = license_video(site, GIB)
    child = site.start("run", fresh=True)
    assert watched(child) < 150
    assert child.returncode == 0
    assert_arrived_once_and_whole(site, {video})


def test_eight_videos_in_parallel_take_less_than_100_megabytes(site: Site) -> None:
    """All in several parts at once, each from its own range."""
    site.istock.control("etag", {"on": True})
    site.tables["connectors"]["stock"]["workers"] = 8
    site.write()
    videos = {license_video(site, GIB // 4 + number) for number in range(8)}
    child = site.start("run", fresh=True)
    assert watched(child) < 100
    assert child.returncode == 0
    assert_arrived_once_and_whole(site, videos)


@pytest.mark.parametrize("etag", [True, False], ids=["strong validator", "no validator"])
def test_video_of_three_gigabytes_when_killed_at_two_thirds_goes_on_from_there(
    site: Site, etag: bool
) -> None:
    site.istock.control("etag", {"on": etag})
    video = license_video(site, 3 * GIB)
    counts = site.sandbox.world.counts
    parts = 24 if etag else 512
    child = site.start("run", fresh=True)
    while counts["parts"] < parts * 2 // 3 and child.poll() is None:
        time.sleep(POLL_SECONDS)
    first = peak_megabytes(child)
    child.kill()
    child.communicate()
    again = site.start("run", fresh=True)
    assert max(first, watched(again)) < 100
    assert again.returncode == 0
    assert_arrived_once_and_whole(site, {video})
    assert counts["parts"] < parts * 1.1 + 20
    assert counts[f"licences:{video}"] == 1
