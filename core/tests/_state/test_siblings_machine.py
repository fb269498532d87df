"""Two connectors of one plugin and portal: in any order of events, each asset comes once and is not lost."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from damlink._model import PushResult, SourceAsset
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.rows import Row

IDS = st.sampled_from("abc")
SIDES = st.sampled_from([0, 1])
_numbers = itertools.count(1)


class SiblingsMachine(RuleBasedStateMachine):
    def __init__(self, new_run: Callable[..., Ledger], time_: Any) -> None:
        super().__init__()
        self.new_run = new_run
        number = next(_numbers)
        self.names = (f"first {number}", f"second {number}")
        self.time = time_
        self.ledgers: list[Ledger] = []
        self.held: list[dict[str, Row]] = [{}, {}]
        self.delivered: dict[str, set[int]] = {}

    @initialize()
    def begin(self) -> None:
        self.ledgers = [self.started(side) for side in (0, 1)]

    def started(self, side: int) -> Ledger:
        return self.new_run(self.names[side], siblings=(self.names[1 - side],))

    def pick(self, data: st.DataObject) -> tuple[int, Row]:
        held = [(side, key) for side in (0, 1) for key in sorted(self.held[side])]
        side, key = data.draw(st.sampled_from(held))
        return side, self.held[side][key]

    @rule(side=SIDES, ids=st.sets(IDS, min_size=1), fingerprint=st.sampled_from("123"))
    def list_(self, side: int, ids: set[str], fingerprint: str) -> None:
        listed = Listed([SourceAsset(each, fingerprint) for each in sorted(ids)])
        self.ledgers[side].record(listed, "s")

    @rule(side=SIDES)
    def claim(self, side: int) -> None:
        row = self.ledgers[side].claim()
        if row is not None:
            assert row.source_id not in self.held[1 - side]
            assert self.delivered.get(row.source_id, set()) <= {side}
            self.held[side][row.source_id] = row

    @precondition(lambda self: any(self.held))
    @rule(data=st.data())
    def note(self, data: st.DataObject) -> None:
        side, row = self.pick(data)
        self.ledgers[side].checkpoint(row, b"notes")

    @precondition(lambda self: any(self.held))
    @rule(
        data=st.data(),
        how=st.sampled_from(["pushed", "skipped", "rejected", "failed", "uncertain", "waiting"]),
    )
    def end_one(self, data: st.DataObject, how: str) -> None:
        side, row = self.pick(data)
        del self.held[side][row.source_id]
        ledger = self.ledgers[side]
        if how == "pushed":
            self.deliver(side, row)
        elif how == "waiting":
            ledger.mark_waiting(row, "why", timedelta(hours=1))
        else:
            getattr(ledger, f"mark_{how}")(row, "why")

    def deliver(self, side: int, row: Row) -> None:
        self.ledgers[side].mark_pushed(row, PushResult(f"id of {row.source_id}"))
        self.delivered.setdefault(row.source_id, set()).add(side)

    @rule(side=SIDES, kill=st.booleans())
    def end_run(self, side: int, kill: bool) -> None:
        if not kill:
            self.ledgers[side].release()
        self.held[side].clear()
        self.ledgers[side] = self.started(side)

    @rule(side=SIDES, saved=st.booleans())
    def settle(self, side: int, saved: bool) -> None:
        for row in list(self.ledgers[side].rows()):
            if row.state == "uncertain":
                self.deliver(side, row) if saved else self.ledgers[side].revive(row)

    @rule(minutes=st.sampled_from([20, 60 * 25]))
    def pass_time(self, minutes: int) -> None:
        self.time.pass_by(minutes=minutes)

    @invariant()
    def each_asset_comes_once(self) -> None:
        assert all(len(sides) == 1 for sides in self.delivered.values())

    def teardown(self) -> None:
        """Whatever has happened: when both go on, everything arrives that is not refused by both."""
        if not self.ledgers:
            return
        self.time.pass_by(days=30)
        for _, side in itertools.product(range(3), (0, 1)):
            self.settle_all_by_hand(side)
            while (row := self.ledgers[side].claim()) is not None:
                self.deliver(side, row)
        self.each_asset_comes_once()
        rows = [row for ledger in self.ledgers for row in ledger.rows()]
        assert {row.state.value for row in rows} <= {"pushed", "skipped", "rejected"}
        skipped = {row.source_id for row in rows if row.reason.startswith("already delivered by")}
        assert skipped <= self.delivered.keys()

    def settle_all_by_hand(self, side: int) -> None:
        self.end_run(side, kill=True)
        self.settle(side, saved=False)


def test_siblings_when_anything_happens_in_any_order_bring_each_asset_once(
    new_run: Callable[..., Any], time_: Any, url: str
) -> None:
    settings = hypothesis.settings(max_examples=25 if url.startswith("sqlite") else 8, stateful_step_count=30)
    run_machine(lambda: SiblingsMachine(new_run, time_), settings=settings)
