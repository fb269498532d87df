"""What the tests of generated plugins share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def mypy_cache() -> Iterator[Path]:
    """The folder in which the runs of mypy keep what they know of the core.

    No test looks for secrets in it: it repeats the mark by which the sandbox's own secrets are known.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
