"""A portal of the sandbox for a module of tests; each test names its own assets."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from damlink import Portal, Secret
from damlink._http.bearer import BearerAuth
from damlink_sandbox import Sandbox

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([]) as running:
        running.part("bynder").control("lag", {"index": 0})
        yield running


@pytest.fixture
def control(sandbox: Sandbox) -> Callable[..., Any]:
    """A test's hand on the portal."""
    return lambda action, **body: sandbox.part("bynder").control(action, body)


@pytest.fixture
def portal(sandbox: Sandbox, hurried: None) -> Iterator[Portal]:
    token = sandbox.part("bynder").connector()["token"]
    with Portal(sandbox.origins["portal"], BearerAuth(Secret(token)), pace=None) as opened:
        yield opened


@pytest.fixture
def served(server: Any, hurried: None) -> Iterator[Portal]:
    """A portal whose other side answers what a test scripts."""
    with Portal(server.url, Secret("the-token"), pace=None) as opened:
        yield opened


@pytest.fixture
def tag() -> str:
    """A tag that no other test uses."""
    return f"tag-{next(_numbers)}"
