"""Assets that their source no longer offers: what push decides is what the row shows."""

from __future__ import annotations

from typing import Any

import pytest

from damlink._run.plan import plan_connector
from damlink._run.repair import retry
from damlink._state.rows import RowState

GONE = "yield Removed('1', 'archived')"
KEEPS = "return PushResult('target-1', notice='hidden')"
PUSHES = {
    "gone from the target too": ("return prepared", "archived", None),
    "kept at the target": (KEEPS, "archived; the target keeps target-1; hidden", "target-1"),
}
# The hook does its work until it is given a removal.
IF_REMOVED = "if isinstance(prepared, Removed):\n            {}"


@pytest.mark.parametrize(("push", "reason", "kept"), PUSHES.values(), ids=PUSHES)
def test_run_when_an_asset_is_removed_does_what_push_decides(
    stock: Any, push: str, reason: str, kept: str | None
) -> None:
    stock.run()
    stock.write(list_source_assets=GONE, push=IF_REMOVED.format(push))
    report = stock.run(full=True)
    row = stock.rows["1"]
    assert (report.outcomes, report.exit_code) == ({"removed": 1}, 0)
    assert (row.state, row.reason, row.title) == (RowState.REMOVED, reason, "")
    assert (row.previous.target_id if row.previous else None) == kept


def test_run_when_an_asset_is_removed_never_asks_transform(stock: Any) -> None:
    stock.run()
    stock.write(list_source_assets=GONE, transform="1 / 0", push=IF_REMOVED.format("return prepared"))
    stock.run(full=True)
    assert stock.states["1"] == "removed"


def test_run_when_nothing_was_delivered_finishes_the_row_without_push(stock: Any) -> None:
    stock.write(transform="return Skip('a draft')")
    stock.run()
    stock.write(list_source_assets=GONE, push="1 / 0")
    stock.run(full=True)
    assert (stock.states["1"], stock.rows["1"].reason) == ("removed", "archived")


def test_run_when_transform_finds_an_asset_gone_tells_push(stock: Any) -> None:
    stock.run()
    listing = "yield SourceAsset('1', 'b')"
    gone = "return Removed('1', 'deleted')"
    stock.write(list_source_assets=listing, transform=gone, push=IF_REMOVED.format("return prepared"))
    stock.run(full=True)
    assert (stock.states["1"], stock.rows["1"].reason) == ("removed", "deleted")


def test_run_when_push_does_not_know_removals_fails_and_names_the_asset(stock: Any) -> None:
    stock.run()
    stock.write(list_source_assets=GONE, push="prepared.content")
    report = stock.run(full=True)
    assert report.outcomes == {"failed": 1}
    assert "push of damlink-acme 1.0 raised AttributeError" in stock.rows["1"].last_error


def test_retry_when_an_asset_is_removed_tells_push_again(stock: Any) -> None:
    stock.run()
    stock.write(list_source_assets=GONE, push=IF_REMOVED.format("return prepared"))
    stock.run(full=True)
    retry(stock.session.database, "stock", ["1"])
    assert stock.run().outcomes == {"removed": 1}


def test_plan_when_an_asset_is_removed_shows_it(stock: Any) -> None:
    stock.run()
    stock.write(list_source_assets=GONE)
    planned = plan_connector(stock.session, "stock", full=True).assets
    assert [(each.source_id, each.why) for each in planned] == [("1", "removed at the source: archived")]
