"""A stand-in for clamd."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from clamd import Clamd


@pytest.fixture
def clamd() -> Iterator[Clamd]:
    with Clamd() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
