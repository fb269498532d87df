"""A process that was frozen past the lease's time-out, and woken after another has taken over."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from loopback import Site, assert_arrived_once_and_whole

from damlink.sandbox import Fault

POLL_SECONDS = 0.02
PAUSE_SECONDS = 2


def freeze(process: subprocess.Popen[str], site: Site) -> None:
    """Stop a process where it is, but not while it holds the database: nobody could write then."""
    while True:
        process.send_signal(signal.SIGSTOP)
        while "\nState:\tT" not in Path(f"/proc/{process.pid}/status").read_text(encoding="ascii"):
            time.sleep(POLL_SECONDS)
        with contextlib.closing(sqlite3.connect(site.folder / "damlink.db", timeout=0.5)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
                continue
            database.rollback()
            return


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
    refused = 0  # by the lease
    while (taking_over := site.run("run", expect=None)).returncode == 5:
        refused += 1
        time.sleep(PAUSE_SECONDS)
    assert refused
    assert taking_over.returncode == 0, taking_over.stderr
    before = {name: counts[name] for name in ("saves", "licences", "imports", "parts")}
    frozen.send_signal(signal.SIGCONT)
    frozen.communicate(timeout=60)
    assert frozen.returncode == 5
    assert {name: counts[name] for name in before} == before
    assert_arrived_once_and_whole(site, {*site.licensed()})
