"""What a person at a terminal is shown while a connector runs, on a pseudo terminal."""

from __future__ import annotations

import re
import signal

import pytest
from loopback import Site, assert_arrived_once_and_whole, until
from terminal import Terminal

from damlink_sandbox import Fault


@pytest.fixture
def slow(site: Site) -> Site:
    """Every download takes a moment, so that the display can be seen."""
    fault = Fault(service="istock-delivery", match="GET /file", kind="delay", times=0, seconds=0.2)
    site.sandbox.world.faults.add(fault)
    return site


def test_run_shows_what_is_going_on_and_ends_with_the_summary(slow: Site) -> None:
    count = len(slow.licensed())
    with Terminal(slow, "run") as terminal:
        shown = terminal.end()
    assert terminal.child.returncode == 0, shown
    assert re.search(rf"stock  [1-9]\d* of {count} assets  [\d.]+ [kM]B  [\d.]+ [kM]?B/s", shown)
    assert re.search(rf"stock: {count} pushed \([\d.]+ MB\), \d+ unchanged, in [\d.]+ s\n$", shown)
    assert_arrived_once_and_whole(slow, {*slow.licensed()})


def test_run_when_interrupted_says_so_and_the_next_goes_on(slow: Site) -> None:
    held = Fault(service="istock-delivery", match="GET /file", kind="delay", times=0, skip=2, seconds=600)
    slow.sandbox.world.faults.clear()
    slow.sandbox.world.faults.add(held)  # so that it cannot end before the signal
    with Terminal(slow, "run") as terminal:
        until(lambda: held.struck)
        terminal.child.send_signal(signal.SIGINT)
        held.seconds = 0.2
        shown = terminal.end()
    assert terminal.child.returncode == 130, shown
    assert "damlink: stock: interrupted; the next run goes on from here\n" in shown
    slow.run("run")
    assert_arrived_once_and_whole(slow, {*slow.licensed()})
