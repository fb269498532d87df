"""A saved plan is carried exactly, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from damlink._run.saved_plan import StalePlanError, save_plan
from damlink._state.plans import Plans, SavedPlan
from damlink.errors import ConfigError, PluginBugError

THIRD = "yield SourceAsset('3', 'a')"
# Only in the second listing: the first is that of the check.
LATE = (
    "mark = os.environ['PUSHES'] + '.listed'; late = os.path.exists(mark); "
    "os.makedirs(mark, exist_ok=True); yield from [SourceAsset('3', 'a')] * late"
)


def save(stock: Any, **options: Any) -> SavedPlan:
    return save_plan(stock.session, "stock", **options)


def test_plan_when_saved_counts_what_it_would_do_and_carries_nothing(stock: Any) -> None:
    plan = save(stock)
    assert (plan.totals["actions"], plan.totals["without_size"], plan.begun_at) == ({"new": 2}, 2, None)
    assert (stock.rows, stock.pushed) == ({}, [])


def test_plan_when_run_carries_its_assets_and_notes_the_beginning(stock: Any) -> None:
    plan = save(stock)
    assert stock.run(plan=plan.id).exit_code == 0
    assert sorted(stock.pushed) == ["1", "2"]
    assert Plans(stock.session.database).find(plan.id).begun_at is not None


@pytest.mark.parametrize(
    ("hooks", "words"),
    [
        ({"list_source_assets": THIRD}, "more to carry: 3"),
        ({"list_source_assets": "return"}, "no longer to carry: 2"),
        ({"list_source_assets": "yield SourceAsset('2', 'b'); return"}, "changed: 2"),
    ],
    ids=["more", "gone", "changed"],
)
def test_plan_when_the_source_has_changed_is_stale_and_carries_nothing(
    stock: Any, hooks: dict[str, str], words: str
) -> None:
    plan = save(stock)
    stock.write(**hooks)
    with pytest.raises(StalePlanError, match=f"the plan {plan.id} is stale: {words}; make another") as stale:
        stock.run(plan=plan.id)
    assert (stale.value.exit_code, stock.pushed, stock.rows) == (3, [], {})


def test_plan_when_its_assets_were_carried_by_another_run_is_stale(stock: Any) -> None:
    plan = save(stock)
    stock.run()
    with pytest.raises(StalePlanError, match="no longer to carry: 1, 2"):
        stock.run(plan=plan.id)


def test_plan_when_a_run_of_it_was_cut_short_can_be_run_again(stock: Any) -> None:
    plan = save(stock)
    stock.run(plan=plan.id, limit=1)
    assert stock.run(plan=plan.id).exit_code == 0
    assert sorted(stock.pushed) == ["1", "2"]


def test_plan_when_an_asset_comes_during_its_run_leaves_it_to_the_next(stock: Any) -> None:
    plan = save(stock)
    stock.write(list_source_assets=LATE)
    stock.run(plan=plan.id)
    assert (sorted(stock.pushed), stock.states["3"]) == (["1", "2"], "due")


def test_plan_when_due_assets_have_changed_again_takes_the_last_fingerprint(stock: Any) -> None:
    stock.run(limit=1)
    (left,) = {"1", "2"} - {*stock.pushed}
    stock.write(list_source_assets=f"yield SourceAsset('{left}', 'b'); return")
    plan = save(stock, full=True)
    assert stock.run(plan=plan.id).outcomes == {"pushed": 1}
    assert stock.rows[left].fingerprint_carried == "b"


def test_plan_when_unknown_is_refused(stock: Any) -> None:
    with pytest.raises(ConfigError, match="there is no plan 'nothing'"):
        stock.run(plan="nothing")


ESTIMATE = """
def estimate(ctx, source):
    if source.source_id == "1":
        return Estimate(size=20_000_000, spends={"credits": 2})
    return Estimate(skip="a video")
"""


def test_plan_when_the_plugin_estimates_names_sizes_and_costs_and_carries_no_more(stock: Any) -> None:
    stock.write(estimate=ESTIMATE)
    plan = save(stock)
    assert plan.totals["actions"] == {"new": 1, "skip": 1}
    assert (plan.totals["bytes"], plan.totals["spends"]) == (20_000_000, {"credits": 2.0})
    stock.run(plan=plan.id)
    assert (stock.pushed, stock.states["2"]) == (["1"], "due")


@pytest.mark.parametrize(
    "answer", ["None", "Estimate(size=-1)", "Estimate(spends='much')"], ids=["nothing", "size", "costs"]
)
def test_plan_when_an_estimate_is_wrong_names_the_plugin(stock: Any, answer: str) -> None:
    stock.write(estimate=f"def estimate(ctx, source):\n    return {answer}\n")
    with pytest.raises(PluginBugError, match="estimate of damlink-acme"):
        save(stock)
