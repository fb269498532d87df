"""`kill -9` in the middle of a file that is uploaded by hand; the same command goes on from its notes."""

from __future__ import annotations

import hashlib
import json
import random
import re
from pathlib import Path

import pytest
from loopback import Site, until

from damlink._checkpoint import UPLOAD_RECORD
from damlink_sandbox import Fault

SIZE = 40_000_000
PATIENCE_SECONDS = 60


def parts(site: Site) -> int:
    counts = site.sandbox.world.counts
    return counts["parts"] + counts["chunks"]


def has_noted_parts(site: Site, notes: Path, most: int) -> bool:
    """Whether the notes hold parts, while the upload goes on."""
    assert parts(site) < most
    if not notes.exists():
        return False
    return bool(json.loads(notes.read_text())[UPLOAD_RECORD].get("upload", {}).get("digests"))


@pytest.mark.parametrize("flow", ["v4", "v7"])
def test_upload_when_killed_goes_on_from_its_notes(site: Site, flow: str) -> None:
    site.tables["portals"]["brand"]["uploads"] = flow
    site.write()
    file, notes = site.folder / "film.mov", site.folder / "film.notes"
    file.write_bytes(random.Random(5).randbytes(SIZE))
    service, match = ("s3", "POST") if flow == "v4" else ("portal", "/chunk/")
    slow = Fault(service=service, match=match, kind="delay", seconds=0.6, times=0)
    site.sandbox.world.faults.add(slow)
    # Parts by S3 travel together, and are registered one after the other.
    slow_register = Fault(service="portal", match="POST /api/v4/upload", kind="delay", seconds=0.6, times=0)
    site.sandbox.world.faults.add(slow_register)
    command = ("bynder", "brand", "uploads", "file", "--file", str(file), "--notes", str(notes))
    child = site.start(*command)
    until(lambda: has_noted_parts(site, notes, most=7), PATIENCE_SECONDS)
    child.kill()
    child.communicate()
    site.sandbox.world.faults.clear()
    again = site.run_child("--log-level", "debug", *command)
    told = json.loads(again.stdout)
    (asset,) = [each for each in site.portal.state()["assets"] if each["filename"] == "film.mov"]
    assert asset["id"] == told["target_id"]
    assert asset["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    # Of the second command alone: the sandbox may still read parts of the first one.
    sent = re.findall(r"POST \S+(?:/…|/chunk/\S+) ", again.stderr)
    whole = {"v4": 4, "v7": 8}[flow]
    assert 0 < len(sent) < whole
    assert not notes.exists()
