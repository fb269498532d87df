from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from damlink import Backoff, Poll

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "seconds"), [(0, 2.0), (1, 4.0), (4, 32.0), (5, 60.0), (5000, 60.0)], ids=str
)
def test_pause_when_counted_doubles_up_to_the_longest(number: int, seconds: float) -> None:
    assert Backoff().pause_seconds(number) == seconds


def test_poll_when_there_is_no_note_begins_now() -> None:
    assert Poll.read(None, NOW) == Poll.read({}, NOW) == Poll(NOW, 0)


def test_poll_when_it_is_noted_goes_on_with_one_more_request() -> None:
    noted = Poll(NOW, 3).advance().note()
    later = Poll.read(noted, NOW + timedelta(minutes=5))
    assert later == Poll(NOW, 4)
    assert later.age_seconds(NOW + timedelta(minutes=5)) == 300.0


def test_poll_when_a_note_holds_more_reads_its_own_part() -> None:
    assert Poll.read({"since": NOW.isoformat(), "file": "F"}, NOW) == Poll(NOW, 0)
