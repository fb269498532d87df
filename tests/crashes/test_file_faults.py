"""Every file that a command opens, refused by the disk in every way: one line, nothing lost or twice.

The files are found by running the command, so that a new one is met by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from file_faults import COMMANDS, ERRORS, Bench, Point, problems_of
from loopback import Site, assert_arrived_once_and_whole

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="SQLite's system calls are Linux's here")

# Of the cases of a run one in so many, for `make test`: each takes a second.
SAMPLED = {"run, the first": 60, "run": 41}
# A lost or empty file of the pace is followed by silence for a whole window.
PACE = {"requests": 100_000, "seconds": 1, "share": 1.0}


@pytest.fixture
def bench(site: Site) -> Bench:
    site.tables["pace"] = PACE
    site.write()
    site.portal.control("lag", {"index": 0})
    site.run("run")
    return Bench(site)


def cases(bench: Bench, name: str) -> Iterator[tuple[Point, str]]:
    """Each file and operation of a command, with each error that it can meet."""
    return ((point, error) for point in bench.record(name) for error in ERRORS[point.operation])


def strike_all(bench: Bench, name: str, every: int = 1) -> list[str]:
    """Strike each case, or one in so many; what is wrong with the outcomes.

    A run has an asset to transfer each time; after other commands one run shows what all of them have left.
    """
    wrong = []
    for point, error in [*cases(bench, name)][::every]:
        if COMMANDS[name].line == "run":
            bench.site.istock.control("license", {"count": 1, "size": 3000})
        wrong += problems_of(bench.strike(name, point, error))
        if COMMANDS[name].line == "run":
            finish(bench.site)
    bench.site.istock.control("license", {"count": 1, "size": 3000})
    finish(bench.site)
    return wrong


def finish(site: Site) -> None:
    """The disk is well again: the next run ends what has failed."""
    if site.run("run", expect=None).returncode:
        site.run("retry", "stock")
        site.run("run")


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "every"), SAMPLED.items(), ids=SAMPLED)
def test_command_when_the_disk_refuses_a_file_says_so_and_loses_nothing(
    bench: Bench, name: str, every: int
) -> None:
    assert strike_all(bench, name, every) == []
    assert_arrived_once_and_whole(bench.site, {*bench.site.licensed()})


@pytest.mark.acceptance
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_when_the_disk_refuses_any_file_says_so_and_loses_nothing(
    bench: Bench, name: str
) -> None:
    assert strike_all(bench, name) == []
    assert_arrived_once_and_whole(bench.site, {*bench.site.licensed()})


@pytest.mark.acceptance
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("skip", range(0, 60, 3))
@pytest.mark.parametrize("file", ["/damlink.db-wal", "/pace.db-wal"])
def test_run_when_the_disk_is_full_from_a_write_on_loses_nothing(bench: Bench, file: str, skip: int) -> None:
    bench.site.istock.control("license", {"count": 4, "size": 3000})
    assert [*problems_of(bench.strike("run", Point(file, "write"), "ENOSPC", skip=skip))] == []
    finish(bench.site)
    assert_arrived_once_and_whole(bench.site, {*bench.site.licensed()})
