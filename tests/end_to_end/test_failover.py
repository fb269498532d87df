"""Workers on a PostgreSQL of Debian's packages, whose standby takes over from the killed primary."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from debian_postgres import LEFT_OUT, Pair, find_programs, start_pair
from loopback import (
    Site,
    assert_arrived_once_and_whole,
    assert_downloads_repeated_are_reported,
    prepare_workers,
    until,
)

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
def cluster(pair: Pair, site: Site) -> Site:
    """The site on both servers, ready for workers."""
    return prepare_workers(site, pair.address)


def states(site: Site) -> list[str]:
    return [asset["state"] for asset in site.assets()]


@pytest.mark.parametrize("pushed", [0, 1, 3], ids=lambda pushed: f"after-{pushed}")
def test_workers_when_the_standby_takes_over_carry_every_asset_once(
    pair: Pair, cluster: Site, start: Callable[[], Any], pushed: int
) -> None:
    workers = [start(), start()]
    until(lambda: states(cluster).count("pushed") >= pushed and cluster.assets(), PATIENCE_SECONDS)
    pair.fail_over()
    until(lambda: {*states(cluster)} == {"pushed"}, PATIENCE_SECONDS)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
        _, log = worker.communicate(timeout=PATIENCE_SECONDS)
        assert (worker.returncode, "Traceback" in log) == (0, False), log
    assert_arrived_once_and_whole(cluster, {*cluster.licensed()})
    # Two threads of each worker may have lost the answer of a download.
    assert sum(assert_downloads_repeated_are_reported(cluster).values()) <= 4
