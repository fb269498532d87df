"""Fixtures that several of these modules use."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from loopback import Site


@pytest.fixture(scope="session")
def mypy_cache() -> Iterator[Path]:
    """The folder in which the runs of mypy keep what they know of the core.

    No test looks for secrets in it: it repeats the mark by which the sandbox's own secrets are known.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def start(cluster: Site) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start one more worker of the module's cluster; whatever still runs at the end is killed."""
    with contextlib.ExitStack() as running:

        def begin(*arguments: str) -> subprocess.Popen[str]:
            process = cluster.start("worker", "--concurrency", "2", *arguments)
            running.enter_context(process)
            running.callback(process.kill)
            return process

        yield begin
