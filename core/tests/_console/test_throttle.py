"""Wrong passwords cost time: for one name, and for all together."""

from __future__ import annotations

import pytest

from damlink._console.throttle import FIRST_SECONDS, FREE, LONGEST_SECONDS, MOST_A_MINUTE, Throttle


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    ("count", "seconds"),
    [
        (0, 0),
        (FREE - 1, 0),
        (FREE, FIRST_SECONDS),
        (FREE + 1, 2 * FIRST_SECONDS),
        (FREE + 9, LONGEST_SECONDS),
    ],
)
def test_name_when_wrong_again_and_again_waits_longer(count: int, seconds: float) -> None:
    throttle = Throttle(Clock())
    said = [throttle.note_wrong("ann") for _ in range(count)]
    assert said == [number + 1 >= FREE for number in range(count)]
    assert throttle.wait_seconds("ann") == seconds
    assert throttle.wait_seconds("bob") == 0


def test_name_when_right_begins_anew() -> None:
    throttle = Throttle(Clock())
    said = [throttle.note_wrong("ann") for _ in range(FREE)]
    assert said[-1]
    throttle.note_right("ann")
    assert throttle.wait_seconds("ann") == 0


def test_names_when_many_are_tried_all_wait_for_the_minute_to_end() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    said = [throttle.note_wrong(f"name-{number}") for number in range(MOST_A_MINUTE)]
    assert not any(said)
    assert throttle.wait_seconds("ann") == 60
    clock.seconds = 60
    assert throttle.wait_seconds("ann") == 0
