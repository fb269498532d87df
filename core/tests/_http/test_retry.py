from __future__ import annotations

import time

import pytest

from damlink import Client
from damlink._http.retry import (
    ATTEMPTS,
    THROTTLED_ATTEMPTS,
    Account,
    call_with_retries,
    move_clock,
    no_waiting,
    pause,
)
from damlink.errors import AuthError, TransientError, UnavailableError, UnclearError


def failing(*errors: Exception) -> tuple[list[Account], object]:
    """A call that raises these errors one by one, then answers; and the accounts it was given."""
    accounts: list[Account] = []

    def send(account: Account) -> str:
        accounts.append(account)
        if len(accounts) <= len(errors):
            raise errors[len(accounts) - 1]
        return "answer"

    return accounts, send


def tried(*errors: Exception) -> tuple[int, str]:
    accounts, send = failing(*errors)
    with no_waiting():
        try:
            answer = call_with_retries(send)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - any of them is looked at
            answer = str(error)
    return len(accounts), answer


def test_retrying_when_it_works_is_called_once() -> None:
    assert tried() == (1, "answer")


@pytest.mark.parametrize("failures", range(1, ATTEMPTS))
def test_retrying_when_it_fails_for_now_is_called_again(failures: int) -> None:
    assert tried(*[TransientError("busy")] * failures) == (failures + 1, "answer")


def test_retrying_when_it_keeps_failing_raises_the_last_error() -> None:
    errors = [TransientError(f"busy {number}") for number in range(1, 10)]
    assert tried(*errors) == (5, "busy 5")


@pytest.mark.parametrize(
    "error",
    [UnavailableError("no"), UnclearError("no"), AuthError("no"), ValueError("no")],
    ids=lambda error: type(error).__name__,
)
def test_retrying_when_another_try_is_not_worth_it_raises_at_once(error: Exception) -> None:
    assert tried(error) == (1, "no")


def test_retrying_when_throttled_does_not_count_as_failed() -> None:
    throttled, failed = TransientError("slow", status=429), TransientError("busy", status=503)
    assert tried(*[throttled] * 11, *[failed] * 4) == (16, "answer")
    assert tried(*[throttled] * 20) == (THROTTLED_ATTEMPTS, "slow")


def test_retrying_when_its_time_is_over_gives_up_early() -> None:
    accounts, _ = failing()

    def slow(account: Account) -> None:
        accounts.append(account)
        account.started -= 61
        raise TransientError("busy")

    with pytest.raises(TransientError), no_waiting():
        call_with_retries(slow)
    assert len(accounts) == 1


def test_spent_when_held_by_the_pace_counts_its_own_time_only() -> None:
    account = Account(started=time.monotonic() - 1000, held_seconds=990)
    assert not account.spent
    account.held_seconds = 930
    assert account.spent


def test_retrying_when_throttled_does_not_count_the_wait_as_its_own_time() -> None:
    accounts, send = failing(*[TransientError("slow", status=429, retry_after=500)] * 3)
    with no_waiting():
        call_with_retries(send)  # type: ignore[arg-type]
    assert accounts[-1].held_seconds == 1500


@pytest.mark.parametrize(
    ("failures", "shortest", "longest"), [(1, 0.5, 1), (2, 1, 2), (3, 2, 4), (4, 4, 8), (20, 30, 60)]
)
def test_pause_seconds_when_nothing_is_asked_doubles_with_jitter(
    failures: int, shortest: float, longest: float
) -> None:
    account = Account(failures=failures)
    pauses = [account.pause_seconds(TransientError("busy")) for _ in range(50)]
    assert all(shortest <= seconds <= longest for seconds in pauses)
    assert len(set(pauses)) > 40


@pytest.mark.parametrize(("wish", "seconds"), [(0, 0), (7, 7), (900, 900), (86400, 900)])
def test_pause_seconds_when_the_other_side_asks_follows_within_reason(wish: float, seconds: float) -> None:
    assert Account().pause_seconds(TransientError("busy", retry_after=wish)) == seconds


def test_pause_when_nobody_is_in_a_hurry_waits() -> None:
    began = time.monotonic()
    pause(0.05)
    waited = time.monotonic() - began
    with no_waiting():
        pause(60)
    assert waited >= 0.05
    assert time.monotonic() - began < 30


def test_pause_when_a_test_skips_it_moves_the_clock_of_the_innermost_trial(partner: Client) -> None:
    outer: list[float] = []
    inner: list[float] = []
    with move_clock(outer.append):
        with move_clock(inner.append):
            partner.pause(3)
        partner.pause(5)
    partner.pause(7)
    assert (outer, inner) == ([5], [3])
