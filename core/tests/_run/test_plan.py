"""A plan names what a run would carry, and changes nothing."""

from __future__ import annotations

from typing import Any

from damlink._run.plan import plan_connector


def planned(stock: Any, **options: Any) -> list[str]:
    return [each.source_id for each in plan_connector(stock.session, "stock", **options).assets]


def test_plan_when_nothing_was_carried_names_all_and_writes_nothing(stock: Any) -> None:
    assert planned(stock) == ["1", "2"]
    assert (stock.rows, stock.pushed) == ({}, [])


def test_plan_when_all_was_carried_names_nothing(stock: Any) -> None:
    stock.run()
    assert planned(stock, full=True) == []


def test_plan_when_an_asset_is_due_names_it_once(stock: Any) -> None:
    stock.run(limit=1)
    (left,) = {"1", "2"} - {*stock.pushed}
    assert planned(stock, full=True) == [left]


def test_plan_when_an_asset_is_uncertain_leaves_it_to_a_person(stock: Any) -> None:
    stock.write(push="raise UnclearError('no answer')")
    stock.run()
    assert planned(stock, full=True) == []
