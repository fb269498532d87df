"""Ports to listen on that nobody takes meanwhile: below those that the system gives out by itself."""

from __future__ import annotations

import itertools
import os

from damlink_sandbox.commands.children import is_free

__all__ = ["free_port"]

FIRST, EACH_WORKER = 12_000, 2_000
_tried = itertools.count(os.getpid() * 16, 16)


def free_port(together: int = 1) -> int:
    """The first of so many free ports in a row, apart from those of other workers."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        first = FIRST + EACH_WORKER * (worker % 9) + next(_tried) % (EACH_WORKER - together)
        if all(is_free(first + number) for number in range(together)):
            return first
