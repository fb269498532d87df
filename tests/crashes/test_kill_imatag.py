"""`kill -9` at random moments while assets are being marked: no asset twice, none missing."""

from __future__ import annotations

import base64
import io
import random
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from imatag_site import imatag_site, marks_of, rows
from loopback import Site
from PIL import Image

from damlink_sandbox import Fault

POLL_SECONDS = 0.005
COUNT = 8
KILLS = 10
SERVICES = ("portal", "s3", "imatag")
WAYS = [
    "new-version",
    pytest.param("new-asset", marks=pytest.mark.acceptance),
    pytest.param("additional", marks=pytest.mark.acceptance),
]


@pytest.fixture
def marks(tmp_path: Path) -> Iterator[Site]:
    """A portal and an Imatag that lose some of their answers."""
    with imatag_site(tmp_path) as site:
        for service, match in (("imatag", "POST /api/v3/media"), ("portal", "POST /api/v4/media")):
            fault = Fault(service, match, "cut-after", times=0, share=0.05)
            site.sandbox.world.faults.add(fault)
        yield site


def furnish(site: Site) -> dict[str, str]:
    """Put pictures into the portal; the SHA-256 of each by its id."""
    for number in range(COUNT):
        buffer = io.BytesIO()
        gradient = Image.linear_gradient("L").resize((160 + 8 * number, 96))
        Image.merge("RGB", (gradient, gradient.rotate(180), gradient)).save(buffer, "JPEG")
        data = base64.b64encode(buffer.getvalue()).decode()
        site.portal.control("add_asset", {"base64": data, "tags": ["protect"], "filename": f"{number}.jpg"})
    return {asset["id"]: asset["sha256"] for asset in site.portal.state()["assets"]}


def seen(site: Site) -> int:
    """Requests that any service has met."""
    return sum(site.sandbox.world.counts[f"requests:{name}"] for name in SERVICES)


def kill_after(site: Site, requests: int) -> None:
    """Start a run and kill it when the world has seen so many more requests."""
    until, child = seen(site) + requests, site.start("run")
    while child.poll() is None and seen(site) < until:
        time.sleep(POLL_SECONDS)
    child.send_signal(signal.SIGKILL)
    child.communicate()


def delivered(assets: Mapping[str, Mapping[str, Any]], key: str, way: str) -> int:
    """How often the marked file of an asset has been delivered."""
    if way == "new-asset":
        return sum(key in asset["tags"] for asset in assets.values())
    return len(assets[key]["versions"]) - 1 if way == "new-version" else len(assets[key]["additionals"])


@pytest.mark.timeout(400)
@pytest.mark.parametrize("way", WAYS)
def test_run_when_killed_ten_times_marks_and_delivers_every_asset_once(marks: Site, way: str) -> None:
    originals = furnish(marks)
    marks.connector("marks", deliver_as=way)
    moments = random.Random(11)
    for _ in range(KILLS):
        kill_after(marks, moments.randrange(14, 45))
    marks.sandbox.world.faults.clear()
    marks.run("run")
    assert {row["state"] for row in rows(marks)} == {"pushed"}
    assets = {asset["id"]: asset for asset in marks.portal.state()["assets"]}
    assert {key: marks_of(marks, key) for key in originals} == dict.fromkeys(originals, 1)
    assert {key: delivered(assets, key, way) for key in originals} == dict.fromkeys(originals, 1)
    assert {key: assets[key]["metaproperties"]["imatag_hash"][:64] for key in originals} == originals
