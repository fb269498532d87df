"""What a run waits for when it is to end, and for how long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from loopback import until

from damlink._plugin import under_way
from damlink._plugin.under_way import calling, describe_hanging, warn_of_long_calls
from damlink._run.report import RunReport
from damlink._run.runner import Stopping
from damlink._run.workers import Workers

HANG: Final = """stuck = pathlib.Path(os.environ["PUSHES"]).with_name("stuck")
        stuck.touch()
        while stuck.exists():
            time.sleep(0.01)
"""
SLEEPING: Final = "import pathlib, time\n"


@pytest.fixture
def stuck(stock: Any) -> Iterator[Path]:
    """The file that a hook waits for to go; the hook returns at the end of the test."""
    path: Path = stock.pushes.with_name("stuck")
    yield path
    path.unlink(missing_ok=True)
    until(lambda: not describe_hanging("stock"))


def interrupted(stock: Any, stuck: Path, hook: str) -> RunReport:
    """The report of a run that is stopped while a hook hangs."""
    stock.write(**{hook: HANG}, more=SLEEPING)
    stopping = Stopping()
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(stock.run, stopping, grace=0.05)
        until(stuck.exists)
        stopping.now.set()
        report: RunReport = run.result(60)
    return report


@pytest.mark.parametrize("hook", ["transform", "push"])
def test_run_when_a_hook_hangs_ends_after_the_grace_and_names_it(stock: Any, stuck: Path, hook: str) -> None:
    report = interrupted(stock, stuck, hook)
    (line,) = report.hanging
    assert report.exit_code == 130
    assert line.startswith(f"stock: {hook} of asset 1 has not returned since 20")
    assert line.endswith("report it to the plugin's author")


def test_workers_when_they_end_in_time_are_waited_for() -> None:
    workers = Workers("stock", lambda: True, 60.0)
    go_on = threading.Event()
    workers.start(go_on.set)
    assert workers.wait()
    assert go_on.is_set()


def test_workers_when_one_breaks_raise_its_error() -> None:
    workers = Workers("stock", lambda: False, 60.0)
    workers.start(lambda: [][0])
    with pytest.raises(IndexError):
        workers.wait()


def test_call_when_it_takes_long_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(under_way, "LONG_SECONDS", -1.0)
    with calling("stock", "push", "1"):
        warn_of_long_calls()
        warn_of_long_calls()
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("stock: push of asset 1 has not returned since ")


def test_call_when_it_has_returned_is_not_named() -> None:
    with calling("stock", "push", "1"):
        pass
    assert describe_hanging("stock") == []
