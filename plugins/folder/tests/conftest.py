"""One portal for all tests of a module; each test has a folder and a connector of its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from damlink.testing import Trial
from damlink_folder.sandbox import FolderSandbox
from damlink_sandbox import Sandbox


@attrs.frozen
class Hot:
    """A hot folder, and the connector that takes its files."""

    path: Path
    sandbox: Sandbox
    folder: Path
    closing: contextlib.ExitStack

    def open(self, **settings: Any) -> Trial:
        given = {"address": str(self.path), "settle": "0s", **settings}
        return self.closing.enter_context(Trial("folder", self.sandbox, self.folder, given))

    def put(self, name: str | bytes, data: bytes | str = b"bytes") -> Path:
        path = self.path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def names(self) -> list[str]:
        files = (path for path in self.path.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.path)) for path in files)

    def assets(self) -> list[dict[str, Any]]:
        return list(self.sandbox.part("bynder").state()["assets"])

    def asset(self, name: str) -> dict[str, Any]:
        [found] = [asset for asset in self.assets() if asset["name"] == name]
        return found


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([FolderSandbox], media=[]) as sandbox:
        yield sandbox


@pytest.fixture
def hot(sandbox: Sandbox, tmp_path: Path) -> Iterator[Hot]:
    path, folder = tmp_path / "hot", tmp_path / "connector"
    path.mkdir()
    folder.mkdir()
    with contextlib.ExitStack() as closing:
        yield Hot(path, sandbox, folder, closing)
