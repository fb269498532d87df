"""The rule for how many requests one egress address may send now, for all workers behind it.

A permit counts as "now" while it is leased, and from its report on as of then. A report follows the answer,
so no window of the portal's contains more requests than are allowed. While no more than half of them is
used, they are given at once; then they are spaced so that the rest lasts until used ones expire. A tenth is
reserved for urgent requests while anybody reserves it. The same rule for one machine: `_http.permits`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from damlink._http.permits import (
    CATCH_UP_INTERVALS,
    EXPIRING,
    HASTE,
    RESERVED_SHARE,
    SILENCE_MARGIN_SECONDS,
)

__all__ = ["Gate", "Grant", "Limits", "Used", "decide"]

# A batch lasts a hundredth of the window, and a second at most.
BATCH_SHARE: Final = 0.01
LONGEST_BATCH_SECONDS: Final = 1.0


@attrs.frozen
class Limits:
    """Limits of an address.

    Attributes:
        allowed: how many requests a window may contain.
        seconds: the window's length.
    """

    allowed: int
    seconds: float

    @property
    def reserved(self) -> int:
        """Number of permits that are reserved for urgent requests."""
        return int(self.allowed * RESERVED_SHARE)

    @property
    def batch(self) -> int:
        """The most permits that are leased at once."""
        return max(1, int(self.allowed * BATCH_SHARE))

    @property
    def batch_seconds(self) -> float:
        """Seconds for which a batch is spent, and the precision of the time of a report."""
        return min(LONGEST_BATCH_SECONDS, self.seconds * BATCH_SHARE)


@attrs.frozen
class Used:
    """Permits that count as of a moment; `None` while they are leased."""

    at: float | None
    count: int
    urgent: bool


@attrs.frozen
class Gate:
    """Times before which nothing is given: any permit, a spaced one, one of the reserved tenth."""

    silent_until: float = 0.0
    next_at: float = 0.0
    reserved_until: float = 0.0


@attrs.frozen
class Grant:
    """Permits that are given, the seconds between two of them, or the seconds until to ask again.

    Attributes:
        next_at: the moment from which the next spaced permit may be given.
    """

    count: int
    interval: float = 0.0
    wait: float = 0.0
    next_at: float | None = None


def decide(limits: Limits, gate: Gate, used: Sequence[Used], now: float, *, urgent: bool) -> Grant:
    """Return what is given now to somebody who asks."""
    latest = now + limits.seconds
    # A time in the far future comes from a clock that has moved back since: it must not block us.
    silent_until = min(gate.silent_until, latest + SILENCE_MARGIN_SECONDS)
    if silent_until > now:
        return Grant(0, wait=silent_until - now)
    counting = [each for each in used if each.at is None or each.at > now - limits.seconds]
    count = _sum(counting)
    if count < limits.allowed // 2:
        return Grant(min(limits.batch, limits.allowed // 2 - count))
    free, of_urgent = limits.allowed - count, _sum(each for each in counting if each.urgent)
    if not urgent and gate.reserved_until > now:
        free = min(free, limits.allowed - limits.reserved - (count - of_urgent))
    if free <= 0:
        return Grant(0, wait=_until_one_expires(limits, counting, now, urgent=urgent))
    if urgent and of_urgent < limits.reserved:
        return Grant(min(limits.batch, free, limits.reserved - of_urgent))
    return _space(limits, min(gate.next_at, latest), counting, free, now)


def _space(limits: Limits, next_at: float, used: Sequence[Used], free: int, now: float) -> Grant:
    if next_at > now:
        return Grant(0, wait=next_at - now)
    interval = _interval(limits, used, free, now)
    count = min(limits.batch, free, max(1, int(limits.batch_seconds / interval)))
    begin = max(next_at, now - CATCH_UP_INTERVALS * interval)
    return Grant(count, interval, next_at=begin + count * interval)


def _interval(limits: Limits, used: Sequence[Used], free: int, now: float) -> float:
    """Return the shortest interval at which the free permits last until used ones expire, at any time."""
    total = _sum(used)
    return max(
        _until_expired(limits, used, int(total * part), now)
        / ((free + int(total * part)) * (1 + HASTE * part))
        for part in EXPIRING
    )


def _until_expired(limits: Limits, used: Sequence[Used], number: int, now: float) -> float:
    """Return the seconds until more than so many used permits have expired."""
    for each in sorted((each for each in used if each.at is not None), key=lambda each: each.at or 0.0):
        number -= each.count
        if number < 0:
            return max(0.001, (each.at or 0.0) + limits.seconds - now)
    return limits.seconds


def _until_one_expires(limits: Limits, used: Iterable[Used], now: float, *, urgent: bool) -> float:
    """Return the seconds until a used permit expires that stands in the way."""
    moments = (each.at for each in used if each.at is not None and each.urgent <= urgent)
    oldest = min(moments, default=None)
    # All are leased: a report will come.
    if oldest is None:
        return limits.seconds / limits.allowed
    return max(oldest + limits.seconds - now, 0.001)


def _sum(used: Iterable[Used]) -> int:
    return sum(each.count for each in used)
