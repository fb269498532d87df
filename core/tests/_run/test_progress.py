"""What a hook says about how far it is, is shown at a bounded rate, with its asset, and kept nowhere."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from damlink._cli._progress import Lines
from damlink._plugin.under_way import calling
from damlink._run.progress import ProgressMeter
from damlink._run.report import HookProgress, RunListener
from damlink._secret import Secret
from damlink._system.cadence import Cadence


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Heard(RunListener):
    """Keeps what it receives."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.bytes = 0

    def on_progress(self, progress: HookProgress) -> None:
        self.said.append(str(progress))

    def on_bytes(self, count: int) -> None:
        self.bytes += count


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((40, 100, "frames"), "40 of 100 frames"),
        ((1234567, None, "rows"), "1,234,567 rows"),
        ((0.5, 2), "0.5 of 2"),
        ((2.0, 2.0, "s"), "2 of 2 s"),
    ],
)
def test_progress_when_shown_says_how_much_of_what(heard: Heard, arguments: Any, text: str) -> None:
    ProgressMeter(heard)(*arguments)
    assert (heard.said, heard.bytes) == ([text], 0)


def test_progress_when_only_a_number_is_given_counts_bytes(heard: Heard) -> None:
    meter = ProgressMeter(heard)
    meter(3)
    meter(4)
    assert (heard.said, heard.bytes) == ([], 7)


def test_progress_when_called_often_is_passed_on_once_a_second(heard: Heard, clock: Clock) -> None:
    meter = ProgressMeter(heard, clock)
    for number in range(3000):
        clock.now = number / 1000
        meter(number, 3000, "rows")
    assert heard.said == ["0 of 3,000 rows", "1,000 of 3,000 rows", "2,000 of 3,000 rows"]


def test_progress_when_threads_carry_assets_is_of_each(heard: Heard, clock: Clock) -> None:
    meter = ProgressMeter(heard, clock)

    def work(source_id: str) -> None:
        with calling("stock", "push", source_id), calling("stock", "content", source_id):
            meter(1, 2, "parts")

    for name in ("A", "B"):
        thread = threading.Thread(target=work, args=(name,))
        thread.start()
        thread.join()
    assert heard.said == ["A 1 of 2 parts", "B 1 of 2 parts"]


def test_progress_when_a_secret_is_in_the_unit_hides_it(heard: Heard) -> None:
    secret = Secret("larkspur-key-1").reveal()
    ProgressMeter(heard)(1, 2, f"rows of {secret}")
    assert heard.said == ["1 of 2 rows of **redacted**"]


@pytest.mark.parametrize("arguments", [("many", 2), (1, "all", "rows")])
def test_progress_when_it_is_no_number_is_an_error_at_the_first_call(heard: Heard, arguments: Any) -> None:
    meter = ProgressMeter(heard)
    with pytest.raises((TypeError, ValueError)):
        meter(*arguments)


def test_lines_when_a_hook_says_much_are_few(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    lines = Lines("stock", Cadence(10, clock))
    for number in range(25):
        clock.now = number
        lines.on_progress(HookProgress("LK-1", f"{number} of 25 frames"))
    assert capsys.readouterr().err.splitlines() == [
        "stock: LK-1 0 of 25 frames",
        "stock: LK-1 10 of 25 frames",
        "stock: LK-1 20 of 25 frames",
    ]


def test_run_when_its_hooks_say_how_far_they_are_shows_it_and_keeps_nothing(stock: Any, heard: Heard) -> None:
    stock.write(
        authenticate="globals().update(shown=ctx.progress)",
        list_source_assets='ctx.progress(7, None, "rows")',
        transform='shown(40, 100, "frames")',
    )
    stock.session.listener = heard
    stock.run()
    assert sorted(heard.said) == ["1 40 of 100 frames", "7 rows"]
    files = [path for path in stock.session.database.file.parent.glob("damlink.db*") if path.is_file()]
    assert [path for path in files if b"100 frames" in path.read_bytes()] == []
