"""What a person decides about rows: retry, settle, reset."""

from __future__ import annotations

from typing import Any

import pytest
from ledger_rows import claim

from damlink._run.repair import reset, retry, settle
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink.errors import ConfigError, RunActiveError


def settled(stock: Any, source_id: str = "1", **how: Any) -> None:
    settle(stock.session.database, stock.session.cipher, "stock", source_id, **{"target_id": "", **how})


@pytest.fixture
def uncertain(stock: Any) -> Any:
    """Asset 1 is uncertain, and the plugin works again."""
    stock.write(push="raise UnclearError('no answer')")
    stock.run()
    stock.write()
    return stock


@pytest.mark.parametrize("ids", [[], ["1"]], ids=["all", "by id"])
@pytest.mark.parametrize("raised", ["TransientError", "AssetRejectedError"])
def test_retry_when_an_asset_failed_carries_it_again(stock: Any, ids: list[str], raised: str) -> None:
    stock.write(transform=f"raise {raised}('a')")
    stock.run()
    stock.write()
    assert retry(stock.session.database, "stock", ids) == 1
    stock.run()
    assert stock.states == {"1": "pushed", "2": "pushed"}


@pytest.mark.parametrize(("source_id", "said"), [("1", "is uncertain"), ("7", "has no asset '7'")])
def test_retry_when_it_may_not_be_changes_nothing(uncertain: Any, source_id: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        retry(uncertain.session.database, "stock", ["2", source_id])
    assert uncertain.states == {"1": "uncertain", "2": "pushed"}


@pytest.mark.parametrize("ids", [[], ["1"]], ids=["all", "by id"])
def test_retry_when_a_run_is_active_makes_due_what_nobody_carries(stock: Any, ids: list[str]) -> None:
    stock.write(transform="raise AssetRejectedError('a')")
    stock.run()
    with Lease(stock.session.database, "stock"):
        assert retry(stock.session.database, "stock", ids) == 1
    assert stock.states["1"] == "due"


def test_retry_when_the_asset_is_being_carried_is_refused(stock: Any) -> None:
    stock.write(transform="raise AssetRejectedError('a')")
    stock.run()
    retry(stock.session.database, "stock", ["1"])
    with Lease(stock.session.database, "stock") as lease:
        row = claim(Ledger(stock.session.database, "stock", lease.epoch))
        with pytest.raises(RunActiveError):
            retry(stock.session.database, "stock", [row.source_id])
    assert stock.states["1"] == "running"


def test_retry_when_a_killed_run_has_left_the_asset_makes_it_due(stock: Any) -> None:
    stock.write(transform="raise AssetRejectedError('a')")
    stock.run()
    retry(stock.session.database, "stock", ["1"])
    with Lease(stock.session.database, "stock") as lease:
        claim(Ledger(stock.session.database, "stock", lease.epoch))
    assert retry(stock.session.database, "stock", ["1"]) == 1
    assert stock.states["1"] == "due"


def test_settle_when_a_run_is_active_is_done(uncertain: Any) -> None:
    with Lease(uncertain.session.database, "stock"):
        settled(uncertain, saved=True, target_id="T7")
    assert uncertain.states["1"] == "pushed"


def test_settle_when_saved_is_pushed_and_not_delivered_again(uncertain: Any) -> None:
    before = uncertain.pushed
    settled(uncertain, saved=True, target_id="T7")
    uncertain.run(full=True)
    assert uncertain.states["1"] == "pushed"
    assert uncertain.pushed == before


def test_settle_when_again_is_delivered_once_more(uncertain: Any) -> None:
    settled(uncertain, saved=False)
    uncertain.run()
    assert uncertain.states["1"] == "pushed"


@pytest.mark.parametrize(("source_id", "said"), [("2", "not uncertain"), ("7", "has no asset")])
def test_settle_when_the_asset_is_not_uncertain_is_refused(uncertain: Any, source_id: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        settled(uncertain, source_id, saved=True)


def test_reset_when_done_forgets_every_row(stock: Any) -> None:
    stock.run()
    assert reset(stock.session.database, "stock") == 2
    assert stock.rows == {}
