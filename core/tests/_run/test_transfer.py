"""The transfer of one row: what each outcome of the hooks stores, and what it leaves for the next attempt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from damlink import PushResult, SourceAsset
from damlink._run.transfer import Job, Outcome, Transfer
from damlink._state.checkpoint import LedgerCheckpoint
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.rows import Row, RowState
from damlink.errors import AuthError


class Carried:
    """One claimed row of the connector `stock`, and its transfer."""

    def __init__(self, stock: Any, lease: Lease) -> None:
        session = stock.session
        self.seconds = 0.0
        self.ledger = Ledger(session.database, "stock", lease.epoch)
        self.ledger.record(Listed([SourceAsset("1", "a", "Sunset")]), "s")
        row = self.ledger.claim()
        assert row is not None
        cipher = session.cipher
        self.job = Job(row, LedgerCheckpoint(self.ledger, row, cipher.seal, cipher.open))
        runtime = session.open_connector("stock")
        self.transfer = Transfer(runtime, self.ledger, max_wait=10.0, clock=lambda: self.seconds)

    def carry(self) -> Outcome:
        return self.transfer.carry(self.job)

    @property
    def row(self) -> Row:
        (row,) = self.ledger.rows()
        return row


@pytest.fixture
def hooks() -> dict[str, str]:
    """What the plugin's hooks do instead of their work; a test has its own by `indirect`."""
    return {}


@pytest.fixture
def carried(stock: Any, hooks: dict[str, str]) -> Iterator[Carried]:
    stock.write(**hooks)
    with Lease(stock.session.database, "stock") as lease:
        yield Carried(stock, lease)


def test_carry_when_the_hooks_do_their_work_stores_the_delivery(carried: Carried) -> None:
    assert carried.carry().state is RowState.PUSHED
    assert carried.row.state is RowState.PUSHED
    assert carried.row.previous == PushResult("1")


@pytest.mark.parametrize("hooks", [{"transform": "return Skip('too small')"}])
def test_carry_when_the_asset_is_skipped_stores_the_reason(carried: Carried) -> None:
    assert carried.carry() == Outcome(RowState.SKIPPED, "too small")
    assert (carried.row.state, carried.row.reason) == (RowState.SKIPPED, "too small")


@pytest.mark.parametrize("hooks", [{"push": "raise NotYet('converting', 2)"}])
def test_carry_when_it_is_too_early_asks_for_another_attempt(carried: Carried) -> None:
    outcome = carried.carry()
    assert (outcome.state, outcome.again_after) == (RowState.RUNNING, 2.0)
    assert carried.row.state is RowState.RUNNING


@pytest.mark.parametrize("hooks", [{"push": "raise NotYet('converting', 2)"}])
def test_carry_when_it_has_waited_long_enough_leaves_the_row_to_a_later_run(carried: Carried) -> None:
    carried.carry()
    carried.seconds = 9.0
    assert carried.carry().again_after is None
    assert (carried.row.state, carried.row.reason) == (RowState.WAITING, "converting")


@pytest.mark.parametrize("hooks", [{"push": "raise NotYet('tomorrow', 86400)"}])
def test_carry_when_the_pause_is_long_does_not_wait_within_the_run(carried: Carried) -> None:
    assert carried.carry().again_after is None
    assert carried.row.state is RowState.WAITING


@pytest.mark.parametrize("hooks", [{"push": "raise AuthError('no')"}])
def test_carry_when_an_error_stops_more_than_the_asset_raises_it_and_stores_nothing(carried: Carried) -> None:
    with pytest.raises(AuthError):
        carried.carry()
    assert (carried.row.state, carried.row.attempts) == (RowState.RUNNING, 0)


@pytest.mark.parametrize("hooks", [{"push": "raise UnclearError('no answer')"}])
def test_carry_when_the_effect_is_unclear_names_the_command_that_decides(carried: Carried) -> None:
    assert carried.carry().state is RowState.UNCERTAIN
    assert "damlink settle stock 1 --saved or --again" in carried.row.last_error


@pytest.mark.parametrize("hooks", [{"push": "raise AssetRejectedError('too large')"}])
def test_carry_when_the_asset_is_rejected_finishes_the_row(carried: Carried) -> None:
    assert carried.carry() == Outcome(RowState.REJECTED, "too large")
    assert carried.row.state is RowState.REJECTED


@pytest.mark.parametrize("hooks", [{"push": "raise KeyError('colour')"}])
def test_carry_when_the_plugin_has_a_bug_fails_the_row_and_names_the_hook(carried: Carried) -> None:
    assert carried.carry().state is RowState.FAILED
    assert carried.row.attempts == 1
    assert "push" in carried.row.last_error


CONTENT = "Content.from_bytes(b'a', 'a.jpg')"


@pytest.mark.parametrize(
    "hooks", [{"transform": f"return PreparedAsset({CONTENT}, 'a', content_fingerprint='sha-1')"}]
)
def test_carry_when_the_bytes_have_a_fingerprint_keeps_it_for_the_next_push(carried: Carried) -> None:
    carried.carry()
    assert carried.row.previous == PushResult("1", content_fingerprint="sha-1")
