"""A process that was frozen, lost its lock meanwhile, and is woken after another has taken over."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from loopback import SECRET_VALUES, Site, assert_arrived_once_and_whole, until

from damlink._http.pace import Pace
from damlink_sandbox import Fault

POLL_SECONDS = 0.02
SERVICES = ("portal", "s3", "istock", "istock-login", "istock-files")
HEARD_WITHIN_SECONDS = 30.0  # a slice of a wait, and the end of a process; the wait itself takes minutes


def freeze(process: subprocess.Popen[str], site: Site) -> None:
    """Stop a process where it is, but not while it holds the database: nobody could write then."""
    while True:
        process.send_signal(signal.SIGSTOP)
        while "\nState:\tT" not in Path(f"/proc/{process.pid}/status").read_text(encoding="ascii"):
            time.sleep(POLL_SECONDS)
        if all(is_free(site.folder / name) for name in ("damlink.db", "pace.db")):
            return
        process.send_signal(signal.SIGCONT)


def is_free(path: Path) -> bool:
    """Whether nobody is writing to a database."""
    with contextlib.closing(sqlite3.connect(path, timeout=0.5)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        database.rollback()
        return True


def lose_lock(site: Site) -> None:
    """Take the frozen run's lock away, as a file server does that has lost sight of its machine."""
    shutil.rmtree(site.folder / "damlink.db.locks")


@pytest.mark.acceptance
@pytest.mark.timeout(400)
def test_frozen_run_when_woken_after_another_has_taken_over_makes_no_further_effect(site: Site) -> None:
    site.istock.control("license", {"count": 200, "size": 20_000})
    counts = site.sandbox.world.counts
    site.sandbox.world.faults.add(
        Fault(service="portal", match="POST /api/v4/media/save", kind="delay", seconds=0.2, times=0)
    )
    frozen = site.start("run")
    while counts["saves"] < 10:
        time.sleep(POLL_SECONDS)
    freeze(frozen, site)
    site.run("run", expect=5)  # while its lock is held nobody takes over
    lose_lock(site)
    site.run("run")
    before = {name: counts[name] for name in ("saves", "licences", "imports", "parts")}
    frozen.send_signal(signal.SIGCONT)
    frozen.communicate(timeout=60)
    assert frozen.returncode == 5
    assert {name: counts[name] for name in before} == before
    assert_arrived_once_and_whole(site, {*site.licensed()})


def for_the_pace(site: Site) -> None:
    """The portal has just answered 429: nothing is sent for five minutes."""
    with contextlib.closing(Pace(site.folder / "pace.db")) as pace:
        pace.silence()


def for_the_pace_with_a_token_request(site: Site) -> None:
    SECRET_VALUES["CLIENT_SECRET"] = site.portal.client_secret
    client = {"client_id": site.portal.client_id, "client_secret": {"env": "CLIENT_SECRET"}}
    site.tables["portals"]["brand"] |= {"auth": "oauth2-client-credentials", **client}
    for_the_pace(site)


def for_the_rate(site: Site) -> None:
    site.connector(requests_per_second=1 / 300)


def for_another_try(site: Site) -> None:
    refused = {"kind": "status", "status": 503, "headers": {"Retry-After": "300"}}
    site.sandbox.world.faults.add(Fault(service="portal", match="", times=1, **refused))


def lift(site: Site) -> None:
    """Let the run that takes over wait for nothing."""
    site.connector(requests_per_second=500.0)
    with contextlib.closing(sqlite3.connect(site.folder / "pace.db")) as database, database:
        database.execute("UPDATE gate SET silent_until = 0")
    with contextlib.closing(sqlite3.connect(site.folder / "damlink.db")) as database, database:
        database.execute("UPDATE credential SET held_by = NULL")  # in two minutes it would run out


def sent(site: Site) -> dict[str, int]:
    """What has arrived at every service."""
    return {name: site.sandbox.world.counts[f"requests:{name}"] for name in SERVICES}


def at_rest(site: Site) -> bool:
    """Whether the run has begun and sends nothing any more."""
    before = sent(site)
    time.sleep(0.5)
    return (site.folder / "damlink.db.locks" / "stock.lock").exists() and sent(site) == before


LAST_ASKED = {for_the_rate: "istock-login", for_another_try: "portal"}
"""The service that has been asked when the wait begins, where one is."""
WAITS = [for_the_pace, for_the_pace_with_a_token_request, for_the_rate, for_another_try]


@pytest.fixture
def waiting(site: Site, request: pytest.FixtureRequest) -> subprocess.Popen[str]:
    """A run that waits, as the test's parameter says."""
    site.istock.control("license", {"count": 2, "size": 20_000})
    request.param(site)
    site.write()
    process = site.start("run")
    until(lambda: sent(site).get(LAST_ASKED.get(request.param, ""), 1))
    until(lambda: all(at_rest(site) for _ in range(4)))
    return process


@pytest.mark.parametrize("waiting", WAITS, indirect=True, ids=lambda wait: wait.__name__)
def test_waiting_run_when_frozen_and_woken_after_another_has_taken_over_sends_nothing(
    site: Site, waiting: subprocess.Popen[str]
) -> None:
    freeze(waiting, site)
    lose_lock(site)
    lift(site)
    site.run("run")
    before = sent(site)
    waiting.send_signal(signal.SIGCONT)
    _, errors = waiting.communicate(timeout=60)
    assert (waiting.returncode, sent(site)) == (5, before), errors
    assert_arrived_once_and_whole(site, {*site.licensed()})


@pytest.mark.parametrize("waiting", WAITS, indirect=True, ids=lambda wait: wait.__name__)
def test_waiting_run_when_it_gets_sigterm_ends_within_seconds_and_sends_nothing(
    site: Site, waiting: subprocess.Popen[str]
) -> None:
    before, since = sent(site), time.monotonic()
    waiting.send_signal(signal.SIGTERM)
    _, errors = waiting.communicate(timeout=60)
    assert (waiting.returncode, sent(site)) == (130, before), errors
    assert time.monotonic() - since < HEARD_WITHIN_SECONDS
