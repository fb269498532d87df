"""Links and sessions end when they should."""

from __future__ import annotations

import pytest

from damlink._console.sessions import ABSOLUTE_SECONDS, IDLE_SECONDS, LINK_SECONDS, MOST_SESSIONS, Sessions


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def _begun(sessions: Sessions) -> str:
    secret = sessions.begin(sessions.make_link())
    assert secret is not None
    return secret


@pytest.mark.parametrize(("age", "works"), [(LINK_SECONDS, True), (LINK_SECONDS + 1, False)])
def test_link_when_old_begins_nothing(age: float, works: bool) -> None:
    clock = Clock()
    sessions = Sessions(clock)
    link = sessions.make_link()
    clock.seconds = age
    assert (sessions.begin(link) is not None) is works


def test_session_when_not_used_ends() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    secret = _begun(sessions)
    clock.seconds = IDLE_SECONDS + 1
    assert not sessions.touch(secret)


def test_session_when_always_used_ends_as_well() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    secret = _begun(sessions)
    steps = [step * IDLE_SECONDS for step in range(1, int(ABSOLUTE_SECONDS / IDLE_SECONDS) + 2)]
    used = [_touch_at(clock, sessions, secret, each) for each in steps]
    assert used == [True] * (len(steps) - 1) + [False]


def _touch_at(clock: Clock, sessions: Sessions, secret: str, seconds: float) -> bool:
    clock.seconds = seconds
    return sessions.touch(secret)


def test_sessions_when_too_many_end_the_one_that_rested_longest() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    first = _begun(sessions)
    clock.seconds = 1
    others = [_begun(sessions) for _ in range(MOST_SESSIONS)]
    assert not sessions.touch(first)
    assert all(map(sessions.touch, others))
