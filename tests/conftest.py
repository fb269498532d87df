"""One site on loopback for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from istock_site import istock_site
from loopback import Site

from damlink_sandbox import Sandbox


@pytest.fixture
def sandbox_kind() -> type[Sandbox]:
    """What plays the other side; a test module may have its own."""
    return Sandbox


@pytest.fixture
def site(tmp_path: Path, sandbox_kind: type[Sandbox]) -> Iterator[Site]:
    """A portal and an iStock account with the generated media, and a config that connects them."""
    with istock_site(tmp_path, kind=sandbox_kind) as running:
        yield running
