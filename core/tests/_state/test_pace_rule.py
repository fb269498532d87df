"""The rule for one egress address, by a model of several holders that lease, send, report and die."""

from __future__ import annotations

import itertools
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from damlink._state.pace_rule import Gate, Limits, Used, decide

LIMITS = Limits(allowed=40, seconds=30.0)


@attrs.define
class Holder:
    urgent: bool
    unspent: int = 0
    flying: list[float] = attrs.field(factory=list)
    is_dead: bool = False

    @property
    def leased(self) -> int:
        return self.unspent + len(self.flying)


@attrs.define
class Address:
    """What the portal counts, and what the account knows of it."""

    holders: list[Holder]
    now: float = 1000.0
    gate: Gate = attrs.field(factory=Gate)
    reported: list[Used] = attrs.field(factory=list)
    counted: list[float] = attrs.field(factory=list)

    def used(self) -> list[Used]:
        leased = [Used(None, each.leased, each.urgent) for each in self.holders]
        return [*self.reported, *leased]

    def ask(self, holder: Holder, _part: float) -> None:
        grant = decide(LIMITS, self.gate, self.used(), self.now, urgent=holder.urgent)
        holder.unspent += grant.count
        next_at = self.gate.next_at if grant.next_at is None else grant.next_at
        reserved = self.now + LIMITS.seconds if holder.urgent else self.gate.reserved_until
        self.gate = attrs.evolve(self.gate, next_at=next_at, reserved_until=reserved)

    def send(self, holder: Holder, _part: float) -> None:
        if holder.unspent and not holder.is_dead:
            holder.unspent -= 1
            holder.flying.append(self.now)

    def report(self, holder: Holder, part: float) -> None:
        """The portal has counted each request at some moment between its sending and now."""
        self.counted += [sent + part * (self.now - sent) for sent in holder.flying]
        self.reported.append(
            Used(self.now, holder.leased if holder.is_dead else len(holder.flying), holder.urgent)
        )
        holder.flying.clear()
        holder.unspent = 0

    def die(self, holder: Holder, part: float) -> None:
        """What a dead holder has leased counts as used; another holder comes."""
        holder.is_dead = True
        self.report(holder, part)
        holder.is_dead = False

    def rest(self, _holder: Holder, part: float) -> None:
        self.now += part * LIMITS.seconds / 4

    def most_in_a_window(self) -> int:
        moments = sorted(self.counted)
        return max(
            (sum(each > end - LIMITS.seconds for each in moments[: n + 1]) for n, end in enumerate(moments)),
            default=0,
        )


ACTIONS = ("ask", "ask", "send", "send", "send", "report", "die", "rest")


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 3), st.floats(0, 1)), max_size=400))
def test_rule_when_holders_come_and_go_allows_no_window_more_than_the_limit(steps: list[Any]) -> None:
    address = Address([Holder(urgent=False), Holder(urgent=True), Holder(urgent=False), Holder(urgent=False)])
    for action, who, part in steps:
        getattr(address, action)(address.holders[who], part)
    for holder in address.holders:
        address.report(holder, 1.0)
    assert address.most_in_a_window() <= LIMITS.allowed


def carried_in(seconds: float, holders: int, start: float = 0.0) -> int:
    """How many requests so many busy holders send, each asking again as soon as it may."""
    address = Address([Holder(urgent=False) for _ in range(holders)], now=start)
    turns = itertools.cycle(address.holders)
    while address.now < start + seconds:
        holder = next(turns)
        address.ask(holder, 0.0)
        for _ in range(holder.unspent):
            address.send(holder, 0.0)
        address.report(holder, 0.0)
        address.now += 0.05
    return len(address.counted)


@pytest.mark.parametrize("holders", [1, 2, 4])
def test_rule_when_holders_are_busy_uses_the_budget(holders: int) -> None:
    windows = 8
    assert carried_in(windows * LIMITS.seconds, holders, start=5000.0) >= 0.95 * windows * LIMITS.allowed


@pytest.mark.parametrize("part", [0.6, 0.9, 0.99])
def test_rule_when_late_holders_have_left_a_part_unused_is_faster_than_the_average(part: float) -> None:
    limits = Limits(allowed=400, seconds=30.0)
    count = int(limits.allowed * part)
    used = [Used(1000.0 - limits.seconds * (n + 0.5) / count, 1, urgent=False) for n in range(count)]
    grant = decide(limits, Gate(), used, 1000.0, urgent=False)
    assert 0 < grant.interval < limits.seconds / limits.allowed


def test_rule_when_silent_gives_nothing_and_says_how_long() -> None:
    grant = decide(LIMITS, Gate(silent_until=1010.0), [], 1000.0, urgent=True)
    assert (grant.count, grant.wait) == (0, 10.0)


def test_rule_when_a_silence_lies_in_the_far_future_shortens_it_to_a_window() -> None:
    grant = decide(LIMITS, Gate(silent_until=1e9), [], 1000.0, urgent=False)
    assert grant.wait == pytest.approx(31.0)


@pytest.mark.parametrize(("urgent", "given_now"), [(True, True), (False, False)], ids=["urgent", "other"])
def test_rule_when_the_rest_is_reserved_gives_it_to_urgent_requests_alone(
    urgent: bool, given_now: bool
) -> None:
    used, gate = [Used(999.0, 36, urgent=False)], Gate(reserved_until=1020.0)
    assert bool(decide(LIMITS, gate, used, 1000.0, urgent=urgent).count) is given_now
