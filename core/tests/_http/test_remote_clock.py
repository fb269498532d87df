"""The other side's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
import time_machine

from damlink._http.remote_clock import RemoteClock

DATE = datetime(2030, 1, 1, 12, tzinfo=UTC)
DATED = httpx.Response(200, headers={"Date": "Tue, 01 Jan 2030 12:00:00 GMT"})


@pytest.mark.parametrize("jump", [timedelta(minutes=5), timedelta(days=-1)], ids=["ahead", "back"])
def test_remote_clock_when_the_system_clock_jumps_goes_on_as_before(jump: timedelta) -> None:
    clock = RemoteClock()
    with time_machine.travel(DATE, tick=False) as ours:
        clock.set_by(DATED)
        ours.move_to(DATE + jump)
        assert abs(clock.now() - DATE) < timedelta(seconds=60)


def test_remote_clock_when_an_answer_has_no_date_keeps_the_last_one() -> None:
    clock = RemoteClock()
    clock.set_by(DATED)
    clock.set_by(httpx.Response(200))
    assert abs(clock.now() - DATE) < timedelta(seconds=60)
