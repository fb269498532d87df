"""`kill -9` at random moments, again and again; then the two sides are compared."""

from __future__ import annotations

import random
import signal
import subprocess
import time

import pytest
from loopback import Site, assert_arrived_once_and_whole, assert_downloads_repeated_are_reported

from damlink_sandbox import Fault

POLL_SECONDS = 0.005


def cut_answers(site: Site, share: float) -> None:
    """The portal, S3 and iStock's downloads lose some of their answers after they have acted."""
    for service, match in (
        ("portal", "POST /api/v4/media/save/"),
        ("portal", "POST /api/v4/upload"),
        ("s3", "POST"),
    ):
        fault = Fault(service=service, match=match, kind="cut-after", times=0, share=share)
        site.sandbox.world.faults.add(fault)


def kill_after(site: Site, requests: int, *, beside: bool = False) -> set[int | None]:
    """Start a run and kill it when the world has seen so many more requests.

    Returns:
        The exit codes of the runs that ended by themselves; with `beside` two are started.
    """
    until = seen(site) + requests
    children = [site.start("run") for _ in range(2 if beside else 1)]
    # Of two, one is to be refused before the other is killed: it may come to that later than to the requests.
    while running(children) and (seen(site) < until or running(children) == 2):
        time.sleep(POLL_SECONDS)
    ended = {child.poll() for child in children} - {None}
    for child in children:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    return ended


def running(children: list[subprocess.Popen[str]]) -> int:
    """How many of them have not ended."""
    return sum(child.poll() is None for child in children)


def seen(site: Site) -> int:
    """Requests that any service has met."""
    counts = site.sandbox.world.counts
    return sum(counts[f"requests:{name}"] for name in ("portal", "s3", "istock", "istock-delivery"))


def finish(site: Site) -> None:
    """Run to the end; what failed by a fault is taken up again."""
    site.sandbox.world.faults.clear()
    site.run("run", expect=None)
    if site.assets("failed"):
        site.run("retry", "stock")
        site.run("run")


@pytest.fixture(params=["sqlite", "postgresql"], autouse=True)
def database(request: pytest.FixtureRequest, site: Site) -> None:
    """Every crash happens on both databases."""
    if request.param == "postgresql":
        site.tables["state"] = {"url": request.getfixturevalue("postgres")()}
        site.write()


@pytest.mark.timeout(400)
def test_run_when_killed_twelve_times_loses_nothing_and_doubles_nothing(site: Site) -> None:
    site.istock.control("license", {"count": 60, "size": 30_000})
    cut_answers(site, share=0.05)
    moments = random.Random(7)
    for _ in range(12):
        kill_after(site, moments.randrange(20, 130))
    finish(site)
    assert_arrived_once_and_whole(site, {*site.licensed()})
    assert sum(assert_downloads_repeated_are_reported(site).values()) <= 12


@pytest.mark.timeout(400)
def test_runs_started_side_by_side_when_killed_each_time_lose_and_double_nothing(site: Site) -> None:
    site.istock.control("license", {"count": 30, "size": 30_000})
    cut_answers(site, share=0.05)
    moments = random.Random(8)
    ended = [kill_after(site, moments.randrange(60, 160), beside=True) for _ in range(4)]
    finish(site)
    assert {5} <= set.union(*ended) <= {0, 5}
    assert_arrived_once_and_whole(site, {*site.licensed()})
