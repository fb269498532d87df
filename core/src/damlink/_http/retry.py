"""Repetition of requests: how often, and with which pauses. Owns tenacity.

A request is sent up to 5 times within 60 seconds of its own time. Waiting for the rate limiter, or for the
end of a 429, is not its own time: it delays a run and fails nothing.
"""

from __future__ import annotations

import contextlib
import functools
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import attrs
import tenacity

from damlink._system.backoff import Backoff
from damlink._system.waiting import Verify, verify_nothing, wait
from damlink.errors import ConnectorError, TransientError, UnavailableError, UnclearError

__all__ = [
    "ATTEMPTS",
    "OWN_SECONDS",
    "Account",
    "Terms",
    "call_until",
    "call_with_retries",
    "move_clock",
    "no_waiting",
    "pause",
    "pause_between",
]

ATTEMPTS: Final = 5
OWN_SECONDS: Final = 60.0
# 429s in a row: a partner that never answers anything else fails the row in the end.
THROTTLED_ATTEMPTS: Final = 12
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 60.0
_BACKOFF: Final = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
# A longer `Retry-After` is shortened to this.
MAX_RETRY_AFTER_SECONDS: Final = 15 * 60.0

T = TypeVar("T")

_hurried = threading.Event()  # set during tests without waiting
_clocks: Final[list[Callable[[float], None]]] = []  # moved by the pauses that a test skips; the last one is


@attrs.define
class Account:
    """Failed attempts, 429s and waiting time of one request so far."""

    failures: int = 0
    throttled: int = 0
    held_seconds: float = 0.0
    started: float = attrs.field(factory=time.monotonic)

    def note(self, error: TransientError) -> None:
        """Count one more failed attempt."""
        if error.status == 429:
            self.throttled += 1
        else:
            self.failures += 1

    @property
    def spent(self) -> bool:
        """True if the request must not be repeated any more."""
        own = time.monotonic() - self.started - self.held_seconds
        return self.failures >= ATTEMPTS or self.throttled >= THROTTLED_ATTEMPTS or own >= OWN_SECONDS

    def hold(self, error: TransientError) -> float:
        """Return the next pause. A pause for a 429 does not count as the request's own time."""
        seconds = self.pause_seconds(error)
        if error.status == 429:
            self.held_seconds += seconds
        return seconds

    def pause_seconds(self, error: TransientError) -> float:
        """Return the next pause: the `Retry-After` of the answer, or doubling with jitter."""
        if error.retry_after is not None:
            return min(error.retry_after, MAX_RETRY_AFTER_SECONDS)
        return _backoff(self.throttled if error.status == 429 else self.failures)


@attrs.frozen(kw_only=True)
class Terms:
    """A caller's own terms of repeating one request with any method.

    Attributes:
        retries: the maximum number of repetitions.
        delay_seconds: the pause between two attempts.
        exponential: use pauses that double with jitter instead of `delay_seconds`.
        on_all_errors: repeat after any error, and not only after a 5xx or a broken connection.
    """

    retries: int = 0
    delay_seconds: float = 0.0
    exponential: bool = False
    on_all_errors: bool = False

    def permit(self, error: BaseException) -> bool:
        """Return whether to repeat the request after an error."""
        if not isinstance(error, ConnectorError):
            return False
        broken = isinstance(error, TransientError | UnclearError) and error.status is None
        return self.on_all_errors or broken or (error.status or 0) >= 500

    def pause_seconds(self, attempt: int, error: BaseException | None = None) -> float:
        """Return the pause after so many attempts; no shorter than the answer's `Retry-After`."""
        own = _backoff(attempt) if self.exponential else self.delay_seconds
        wanted = getattr(error, "retry_after", None) or 0.0
        return max(own, min(wanted, MAX_RETRY_AFTER_SECONDS))


def _backoff(number: int) -> float:
    """Return a pause that doubles with each attempt, with jitter."""
    longest = _BACKOFF.pause_seconds(number)
    return random.uniform(longest / 2, longest)  # noqa: S311 - jitter is no secret


def pause(seconds: float, verify: Verify = verify_nothing) -> None:
    """Wait; return at once within `no_waiting`.

    Raises:
        StoppedError, LeaseLostError: raised by `verify` during the wait.
    """
    if seconds > 0 and not _hurried.is_set():
        wait(seconds, verify)


def pause_between(seconds: float, verify: Verify) -> None:
    """Wait because a plugin asks for it; within `no_waiting` only the clock of a test moves.

    Raises:
        StoppedError, LeaseLostError: raised by `verify` during the wait.
    """
    if seconds > 0 and _hurried.is_set():
        for move in _clocks[-1:]:
            move(seconds)
    pause(seconds, verify)


@contextlib.contextmanager
def move_clock(move: Callable[[float], None]) -> Iterator[None]:
    """Move a clock by the seconds of each `pause_between` that `no_waiting` skips; for tests."""
    _clocks.append(move)
    try:
        yield
    finally:
        _clocks.remove(move)


@contextlib.contextmanager
def no_waiting() -> Iterator[None]:
    """Repeat requests without a pause; for tests.

    A pause of `ctx.http.pause` takes no time either, but moves the clock of the `Trial`: what the stand-in
    shows only after some seconds is there.
    """
    _hurried.set()
    try:
        yield
    finally:
        _hurried.clear()


def _is_worth_another_try(error: BaseException) -> bool:
    return isinstance(error, TransientError) and not isinstance(error, UnavailableError)


def call_with_retries(
    send: Callable[[Account], T], terms: Terms | None = None, verify: Verify = verify_nothing
) -> T:
    """Call a function until it returns, or until the request must not be repeated any more.

    Args:
        send: one attempt; raises `TransientError` if it may be repeated. It adds its waits for the
            rate limiter to `held_seconds`.
        terms: the caller's own terms in place of the general ones.
        verify: ends a pause between two attempts by raising.

    Raises:
        TransientError: the error of the last attempt.
    """
    account = Account()

    def attempt() -> T:
        try:
            return send(account)
        except TransientError as error:
            # Under the caller's own terms tenacity counts the attempts.
            if terms is None:
                account.note(error)
            raise

    def seconds_until_next(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if terms is not None:
            return terms.pause_seconds(state.attempt_number, error)
        return account.hold(error) if isinstance(error, TransientError) else 0.0

    may_repeat = terms.permit if terms else _is_worth_another_try
    # Nearly all requests succeed at once: they need no controller, which costs as much as their building.
    try:
        return attempt()
    except Exception as error:
        if not may_repeat(error):
            raise
        failed = [error]

    def attempt_again() -> T:
        if failed:
            raise failed.pop()
        return attempt()

    controller = tenacity.Retrying(
        retry=tenacity.retry_if_exception(may_repeat),
        wait=seconds_until_next,
        stop=tenacity.stop_after_attempt(terms.retries + 1) if terms else lambda _state: account.spent,
        sleep=functools.partial(pause, verify=verify),
        reraise=True,
    )
    return controller(attempt_again)


def call_until(
    ask: Callable[[], T | None], backoff: Backoff, seconds: float, sleep: Callable[[float], None]
) -> T | None:
    """Call a function until it returns something; `None` if it has not after pauses of so many seconds."""

    def next_pause(state: tenacity.RetryCallState) -> float:
        return min(backoff.pause_seconds(state.attempt_number - 1), max(seconds - state.idle_for, 0.0))

    controller = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda answer: answer is None),
        wait=next_pause,
        stop=lambda state: state.idle_for >= seconds,
        sleep=sleep,
        retry_error_callback=lambda _state: None,
    )
    return controller(ask)
