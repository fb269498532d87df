"""How often a request is repeated, and how long to wait in between. Owns tenacity.

A request is tried up to 5 times inside 60 seconds of its own time. Waiting for the pace, or for a
429 to pass, is not its own time: that holds a run back and fails nothing.
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

from damlink._system.waiting import Verify, verify_nothing, wait
from damlink.errors import ConnectorError, TransientError, UnavailableError, UnclearError

__all__ = ["ATTEMPTS", "OWN_SECONDS", "Account", "Terms", "no_waiting", "pause", "retrying"]

ATTEMPTS: Final = 5
OWN_SECONDS: Final = 60.0
THROTTLED_ATTEMPTS: Final = 12  # 429s on end: who never relents fails the row in the end
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 60.0
MAX_RETRY_AFTER_SECONDS: Final = 15 * 60.0  # of what a Retry-After may ask for

T = TypeVar("T")

_hurried = threading.Event()  # set while a test wants no waiting


@attrs.define
class Account:
    """What one request has cost so far: failed tries, 429s, seconds it was held back."""

    failures: int = 0
    throttled: int = 0
    held_seconds: float = 0.0
    started: float = attrs.field(factory=time.monotonic)

    def note(self, error: TransientError) -> None:
        """Count one more answer that may be tried again."""
        if error.status == 429:
            self.throttled += 1
        else:
            self.failures += 1

    @property
    def spent(self) -> bool:
        """Whether its patience is at an end."""
        own = time.monotonic() - self.started - self.held_seconds
        return self.failures >= ATTEMPTS or self.throttled >= THROTTLED_ATTEMPTS or own >= OWN_SECONDS

    def pause_seconds(self, error: TransientError) -> float:
        """How long to wait now: what the other side asks for, else doubling with jitter."""
        if error.retry_after is not None:
            return min(error.retry_after, MAX_RETRY_AFTER_SECONDS)
        return _backoff(self.throttled if error.status == 429 else self.failures)


@attrs.frozen(kw_only=True)
class Terms:
    """A caller's own terms of repeating one request, in place of ours: whatever its method is.

    Attributes:
        retries: how often it is sent again, at most.
        delay_seconds: between two tries.
        exponential: pauses that double with jitter, whatever `delay_seconds` says.
        on_all_errors: after any refusal, and not only after a 5xx or a broken connection.
    """

    retries: int = 0
    delay_seconds: float = 0.0
    exponential: bool = False
    on_all_errors: bool = False

    def permit(self, error: BaseException) -> bool:
        """Whether an error is one to try again after."""
        if not isinstance(error, ConnectorError):
            return False
        broken = isinstance(error, TransientError | UnclearError) and error.status is None
        return self.on_all_errors or broken or (error.status or 0) >= 500

    def pause_seconds(self, attempt: int, error: BaseException | None = None) -> float:
        """Return how long to wait after so many tries; no shorter than the last answer asked for."""
        own = _backoff(attempt) if self.exponential else self.delay_seconds
        wanted = getattr(error, "retry_after", None) or 0.0
        return max(own, min(wanted, MAX_RETRY_AFTER_SECONDS))


def _backoff(number: int) -> float:
    """A pause that doubles each time, with jitter."""
    longest = min(FIRST_PAUSE_SECONDS * 2**number, LONGEST_PAUSE_SECONDS)
    return random.uniform(longest / 2, longest)  # noqa: S311 - jitter is no secret


def pause(seconds: float, verify: Verify = verify_nothing) -> None:
    """Wait, unless a test has asked for no waiting.

    Raises:
        StoppedError, LeaseLostError: from `verify`, at once when that happens.
    """
    if seconds > 0 and not _hurried.is_set():
        wait(seconds, verify)


@contextlib.contextmanager
def no_waiting() -> Iterator[None]:
    """For tests: repeat at once instead of after a pause."""
    _hurried.set()
    try:
        yield
    finally:
        _hurried.clear()


def _is_worth_another_try(error: BaseException) -> bool:
    return isinstance(error, TransientError) and not isinstance(error, UnavailableError)


def retrying(send: Callable[[Account], T], terms: Terms | None = None, verify: Verify = verify_nothing) -> T:
    """Call until there is an answer, or the patience of this request is at an end.

    Args:
        send: one try; raises `TransientError` for what may be repeated. It adds to
            `held_seconds` what it waited for the pace.
        terms: the caller's own, in place of ours.
        verify: ends a pause between two tries by raising.

    Raises:
        TransientError: the last one.
    """
    account = Account()
    if terms is not None:
        return _retrying_by(terms, lambda: send(account), verify)

    def attempt() -> T:
        try:
            return send(account)
        except TransientError as error:
            account.note(error)
            raise

    def seconds_until_next(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, TransientError):
            return 0.0
        seconds = account.pause_seconds(error)
        if error.status == 429:
            account.held_seconds += seconds
        return seconds

    controller = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_worth_another_try),
        wait=seconds_until_next,
        stop=lambda _state: account.spent,
        sleep=functools.partial(pause, verify=verify),
        reraise=True,
    )
    return controller(attempt)


def _retrying_by(terms: Terms, attempt: Callable[[], T], verify: Verify) -> T:
    controller = tenacity.Retrying(
        retry=tenacity.retry_if_exception(terms.permit),
        wait=lambda state: terms.pause_seconds(
            state.attempt_number, state.outcome.exception() if state.outcome else None
        ),
        stop=tenacity.stop_after_attempt(terms.retries + 1),
        sleep=functools.partial(pause, verify=verify),
        reraise=True,
    )
    return controller(attempt)
