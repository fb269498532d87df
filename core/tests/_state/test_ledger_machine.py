"""The ledger against a model of it: any order of listing, carrying, crashing and changing."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import attrs
import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from damlink._model import PushResult, SourceAsset
from damlink._state.database import Database
from damlink._state.inbox import Inbox
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.rows import Row
from damlink.errors import LeaseLostError

IDS = st.sampled_from("abcd")
FINGERPRINTS = st.sampled_from("123")
FINISHED = ("pushed", "skipped", "rejected")
_numbers = itertools.count(1)


@attrs.define
class Asset:
    """What must be true of one row."""

    seen: str
    due: datetime | None
    state: str = "due"
    carried: str | None = None
    after: str | None = None
    done: set[str | None] = attrs.field(factory=set)  # not to be carried again unless it changes
    notes: str | None = None
    attempts: int = 0
    run: int = 0
    is_urgent: bool = False

    def change(self, fingerprint: str, now: datetime) -> None:
        self.seen, self.done = fingerprint, set()
        if self.state in (*FINISHED, "failed"):
            self.state, self.due, self.attempts = "due", now, 0

    def ready(self, run: int, now: datetime) -> bool:
        if self.state == "running":
            return self.run < run
        if self.state == "due":
            return True
        earlier = self.state != "waiting" or self.run < run
        return self.state in ("failed", "waiting") and earlier and self.due is not None and self.due <= now


# What an event has made due comes first, then what a crash has left.
CLAIMED = ("urgent due", "urgent waiting", "running", "due", "failed", "waiting", "running again")


def rank(asset: Asset) -> int:
    """Return the place in the order of claiming; what two crashes have left comes last."""
    if asset.state == "running" and asset.attempts:
        return CLAIMED.index("running again")
    is_first = asset.is_urgent and asset.state in ("due", "waiting")
    return CLAIMED.index(f"urgent {asset.state}" if is_first else asset.state)


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self, new_run: Callable[[str], Ledger], inbox: Inbox, time_: Any) -> None:
        super().__init__()
        self.inbox = inbox
        self.connector = f"connector {next(_numbers)}"
        self.new_run = new_run
        self.time = time_
        self.assets: dict[str, Asset] = {}
        self.held: dict[str, Row] = {}
        self.stale: list[tuple[Ledger, Row | None]] = []
        self.run = 0

    @initialize()
    def begin(self) -> None:
        self.ledger = self.new_run(self.connector)
        self.run += 1

    @rule(listed=st.dictionaries(IDS, FINGERPRINTS, min_size=1))
    def list_(self, listed: dict[str, str]) -> None:
        assets = [SourceAsset(key, fingerprint) for key, fingerprint in listed.items()]
        tally = self.ledger.record(Listed(assets), "s")
        new = [key for key in listed if key not in self.assets]
        changed = [
            key
            for key in listed.keys() - set(new)
            if listed[key] not in (self.assets[key].seen, self.assets[key].after)
        ]
        for place, key in enumerate(new):
            self.assets[key] = Asset(listed[key], self.time.now + timedelta(microseconds=place))
        for key in changed:
            self.assets[key].change(listed[key], self.time.now)
        assert (tally.new, tally.changed, tally.unchanged) == (
            len(new),
            len(changed),
            len(listed) - len(new) - len(changed),
        )

    @rule(heard=st.dictionaries(IDS, FINGERPRINTS, min_size=1))
    def hear(self, heard: dict[str, str]) -> None:
        events = [SourceAsset(key, fingerprint) for key, fingerprint in heard.items()]
        self.inbox.settle((), {self.connector: events})
        for place, (key, fingerprint) in enumerate(heard.items()):
            asset = self.assets.setdefault(key, Asset(fingerprint, self.time.now))
            if fingerprint not in (asset.seen, asset.after):
                asset.change(fingerprint, self.time.now)
            if asset.state in ("due", "running") and not asset.is_urgent:
                asset.is_urgent, asset.due = True, self.time.now + timedelta(microseconds=place)

    @rule()
    def claim(self) -> None:
        ready = {key: asset for key, asset in self.assets.items() if asset.ready(self.run, self.time.now)}
        row = self.ledger.claim()
        assert (row is None) == (not ready)
        if row is None:
            return
        asset = ready[row.source_id]
        first = min(map(rank, ready.values()))
        alike = [each.due for each in ready.values() if rank(each) == first and each.due]
        assert (rank(asset), asset.due) == (first, min(alike))
        assert row.carrying == (asset.notes or asset.seen)
        assert row.carrying not in asset.done
        if asset.state == "running":
            asset.attempts = max(1, asset.attempts)
        asset.state, asset.run = "running", self.run
        self.held[row.source_id] = row

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def note(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.held)))
        self.ledger.checkpoint(self.held[key], b"notes")
        self.assets[key].notes = self.held[key].carrying

    @precondition(lambda self: self.held)
    @rule(data=st.data(), state=st.sampled_from(FINISHED), after=st.none() | FINGERPRINTS)
    def finish(self, data: st.DataObject, state: str, after: str | None) -> None:
        key = data.draw(st.sampled_from(sorted(self.held)))
        row = self.held.pop(key)
        if state == "pushed":
            self.deliver(row, after)
        else:
            getattr(self.ledger, f"mark_{state}")(row, "why")
            self.settle_as(state, row, {row.carrying})

    def deliver(self, row: Row, after: str | None) -> None:
        result = PushResult(f"id of {row.source_id}", fingerprint_after=after)
        self.ledger.mark_pushed(row, result)
        self.assets[row.source_id].after = after
        self.settle_as("pushed", row, {row.carrying, after})

    def settle_as(self, state: str, row: Row, done: set[str | None]) -> None:
        asset = self.assets[row.source_id]
        asset.carried, asset.notes, asset.attempts = row.carrying, None, 0
        if asset.seen in done:
            asset.state, asset.due, asset.done, asset.is_urgent = state, None, done, False
        else:
            asset.state, asset.due = "due", self.time.now

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.held)))
        row, asset = self.held.pop(key), self.assets[key]
        self.ledger.mark_failed(row, "why")
        asset.attempts = row.attempts + 1 if asset.seen == row.fingerprint_seen else 1
        pause = min(timedelta(minutes=15) * 2 ** (asset.attempts - 1), timedelta(hours=24))
        asset.state, asset.due = "failed", self.time.now + pause if asset.attempts < 8 else None
        asset.is_urgent = False

    @precondition(lambda self: self.held)
    @rule(data=st.data(), minutes=st.integers(0, 90))
    def wait(self, data: st.DataObject, minutes: int) -> None:
        key = data.draw(st.sampled_from(sorted(self.held)))
        asset = self.assets[key]
        asset.state, asset.due = "waiting", self.time.now + timedelta(minutes=minutes)
        self.ledger.mark_waiting(self.held.pop(key), "why", timedelta(minutes=minutes))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def leave_to_a_person(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.held)))
        row, asset = self.held.pop(key), self.assets[key]
        self.ledger.mark_uncertain(row, "why")
        asset.state, asset.due, asset.notes = "uncertain", None, row.carrying
        asset.is_urgent = False

    @precondition(lambda self: any(asset.state == "uncertain" for asset in self.assets.values()))
    @rule(data=st.data(), saved=st.booleans())
    def settle(self, data: st.DataObject, saved: bool) -> None:
        uncertain = sorted(key for key, asset in self.assets.items() if asset.state == "uncertain")
        row = self.ledger.find([data.draw(st.sampled_from(uncertain))]).popitem()[1]
        if saved:
            self.deliver(row, None)
        else:
            self.ledger.revive(row)
            asset = self.assets[row.source_id]
            asset.state, asset.due, asset.attempts = "due", self.time.now, 0

    @rule()
    def crash(self) -> None:
        rows: list[Row | None] = [*self.held.values()]
        self.stale += [(self.ledger, row) for row in rows or [None]]
        self.held.clear()
        self.begin()

    @rule()
    def end(self) -> None:
        self.ledger.release()
        for asset in self.assets.values():
            if asset.state == "running" and asset.run == self.run:
                asset.state, asset.due = "due", self.time.now
        self.crash()

    @precondition(lambda self: self.stale)
    @rule(data=st.data(), write=st.sampled_from(["record", "claim", "release", "complete", "row"]))
    def write_from_an_older_run(self, data: st.DataObject, write: str) -> None:
        ledger, row = data.draw(st.sampled_from(self.stale))
        writes: dict[str, list[Callable[[], Any]]] = {
            "record": [lambda: ledger.record(Listed([SourceAsset("z", "1")], "cursor"), "s")],
            "claim": [lambda: ledger.claim()],
            "release": [lambda: ledger.release()],
            "complete": [lambda: ledger.complete("s")],
            "row": [] if row is None else row_writes(ledger, row),
        }
        for each in writes[write]:
            with pytest.raises(LeaseLostError):
                each()

    @rule(minutes=st.sampled_from([1, 20, 60 * 25]))
    def pass_time(self, minutes: int) -> None:
        self.time.pass_by(minutes=minutes)

    @invariant()
    def no_row_is_lost_and_all_are_as_they_must_be(self) -> None:
        if not self.run:
            return
        rows = {row.source_id: row for row in self.ledger.rows()}
        found = {
            key: (
                row.state.value,
                row.fingerprint_seen,
                row.fingerprint_carried,
                row.due_at,
                row.attempts,
                row.is_urgent,
            )
            for key, row in rows.items()
        }
        assert found == {
            key: (asset.state, asset.seen, asset.carried, asset.due, asset.attempts, asset.is_urgent)
            for key, asset in self.assets.items()
        }
        assert self.ledger.counts() == Counter(asset.state for asset in self.assets.values())
        for key, row in rows.items():
            assert row.carrying == (self.assets[key].notes or self.assets[key].seen)
            assert row.state not in FINISHED or row.fingerprint_seen in self.assets[key].done


def row_writes(ledger: Ledger, row: Row) -> list[Callable[[], Any]]:
    return [
        lambda: ledger.checkpoint(row, b"x"),
        lambda: ledger.mark_pushed(row, PushResult("x")),
        lambda: ledger.mark_skipped(row, "x"),
        lambda: ledger.mark_rejected(row, "x"),
        lambda: ledger.mark_failed(row, "x"),
        lambda: ledger.mark_waiting(row, "x", timedelta()),
        lambda: ledger.mark_uncertain(row, "x"),
        lambda: ledger.revive(row),
    ]


def test_ledger_when_anything_happens_in_any_order_loses_nothing_and_repeats_nothing(
    new_run: Callable[[str], Ledger], database: Database, time_: Any, url: str
) -> None:
    settings = hypothesis.settings(max_examples=20 if url.startswith("sqlite") else 8, stateful_step_count=30)
    run_machine(lambda: LedgerMachine(new_run, Inbox(database), time_), settings=settings)
