"""Workers on a PostgreSQL of Debian's packages, whose standby takes over from the killed primary."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from debian_postgres import LEFT_OUT, Pair, find_programs, start_pair
from loopback import Site, assert_arrived_once_and_whole, assert_downloads_repeated_are_reported, until

PATIENCE_SECONDS = 120.0

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(find_programs() is None, reason=LEFT_OUT),
]


@pytest.fixture
def pair() -> Iterator[Pair]:
    programs = find_programs()
    assert programs is not None
    with start_pair(programs) as started:
        yield started


@pytest.fixture
def start(pair: Pair, site: Site) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start one more worker; whatever still runs at the end is killed."""
    site.tables["state"] = {"url": pair.address}
    site.connector(every="1h")
    site.portal.control("lag", {"index": 0})
    site.write()
    site.run("state", "upgrade")
    with contextlib.ExitStack() as running:

        def begin() -> subprocess.Popen[str]:
            process = site.start("worker", "--concurrency", "2")
            running.enter_context(process)
            running.callback(process.kill)
            return process

        yield begin


def states(site: Site) -> list[str]:
    return [asset["state"] for asset in site.assets()]


@pytest.mark.parametrize("pushed", [0, 1, 3], ids=lambda pushed: f"after-{pushed}")
def test_workers_when_the_standby_takes_over_carry_every_asset_once(
    pair: Pair, site: Site, start: Callable[[], Any], pushed: int
) -> None:
    workers = [start(), start()]
    until(lambda: states(site).count("pushed") >= pushed and site.assets(), PATIENCE_SECONDS)
    pair.fail_over()
    until(lambda: {*states(site)} == {"pushed"}, PATIENCE_SECONDS)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
        _, log = worker.communicate(timeout=PATIENCE_SECONDS)
        assert (worker.returncode, "Traceback" in log) == (0, False), log
    assert_arrived_once_and_whole(site, {*site.licensed()})
    # Two threads of each worker may have lost the answer of a download.
    assert sum(assert_downloads_repeated_are_reported(site).values()) <= 4
