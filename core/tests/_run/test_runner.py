"""The way of a run: what it carries, what ends it, and what it leaves to the next."""

from __future__ import annotations

from typing import Any, Final

import pytest
import sqlalchemy.event

from damlink import errors
from damlink._run.runner import Stopping
from damlink._state.runs import Runs


def test_run_when_all_is_well_pushes_each_asset_once(stock: Any) -> None:
    assert stock.run().exit_code == 0
    assert (sorted(stock.pushed), stock.states) == (["1", "2"], {"1": "pushed", "2": "pushed"})


def test_run_stores_the_version_of_its_plugin(stock: Any) -> None:
    stock.run()
    (run,) = Runs(stock.session.database, "stock").latest()
    info = stock.session.load_plugin("stock").info
    assert run.plugin_version == (info.distribution, info.version)


def test_run_when_repeated_carries_nothing(stock: Any) -> None:
    stock.run()
    assert stock.run(full=True).exit_code == 0
    assert sorted(stock.pushed) == ["1", "2"]


def test_run_when_limited_leaves_the_rest_due(stock: Any) -> None:
    stock.run(limit=1)
    assert len(stock.pushed) == 1
    assert sorted(stock.states.values()) == ["due", "pushed"]


def test_run_when_stopped_before_it_begins_an_asset_carries_none(stock: Any) -> None:
    stopping = Stopping()
    stopping.soon.set()
    stock.run(stopping)
    assert stock.pushed == []


def test_run_when_stopped_goes_on_in_the_next(stock: Any) -> None:
    stopping = Stopping()
    stopping.soon.set()
    stock.run(stopping)
    stock.run()
    assert stock.states == {"1": "pushed", "2": "pushed"}


@pytest.mark.parametrize("raised", ["TransientError('a')", "AuthError('a')", "KeyError('a')"])
def test_run_when_the_listing_fails_keeps_what_it_listed_and_is_no_success(stock: Any, raised: str) -> None:
    stock.write(list_source_assets=f"raise {raised}")
    assert stock.run().exit_code != 0
    assert stock.states.keys() == {"1"}


MEET: Final = """
import threading
calls, is_finished = [], threading.Event()

def meet(source_id):
    calls.append(source_id)
    if calls == ["1"]:
        raise NotYet("converting", 0.02)
    if source_id == "1":
        is_finished.set()
    elif not is_finished.wait(60):
        raise TransientError("asset 1 was not finished meanwhile")
"""


def test_run_when_an_asset_waits_finishes_it_while_all_workers_carry_others(stock: Any) -> None:
    stock.write(
        list_source_assets="yield SourceAsset('3', 'a')", push="pass\n    meet(source.source_id)", meet=MEET
    )
    stock.run(workers=2)
    assert stock.states == {"1": "pushed", "2": "pushed", "3": "pushed"}


def test_run_when_only_events_are_carried_lists_nothing(stock: Any) -> None:
    stock.run(events_only=True)
    assert (stock.states, stock.pushed) == ({}, [])


def test_run_when_all_its_assets_wait_does_not_ask_the_database_again_and_again(stock: Any) -> None:
    stock.write(push="raise NotYet('converting', 1)")
    asked: list[str] = []
    engine = stock.session.database.engine
    sqlalchemy.event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    stock.run(workers=3, max_wait=1.5)
    # A thread looks for work when it begins, after each asset and each second; thousands of times when woken
    # by the others.
    assert len(asked) < 1000


# --- each outcome of an asset, and its row --------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("return Skip('no use')", "skipped"),
        ("raise AssetRejectedError('too small')", "rejected"),
        ("raise TransientError('away')", "failed"),
        ("raise NotYet('soon', 9999)", "waiting"),
        ("raise UnclearError('no answer')", "uncertain"),
        ("raise KeyError('a bug')", "failed"),
    ],
)
def test_transform_when_it_ends_so_gives_the_row_that_state(stock: Any, statement: str, state: str) -> None:
    stock.write(transform=statement)
    stock.run()
    assert stock.states == {"1": state, "2": "pushed"}


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("return PushResult('t')", "pushed"),
        ("raise AssetRejectedError('too small')", "rejected"),
        ("raise TransientError('away')", "failed"),
        ("raise NotYet('soon', 9999)", "waiting"),
        ("raise UnclearError('no answer')", "uncertain"),
    ],
)
def test_push_when_it_ends_so_gives_the_row_that_state(stock: Any, statement: str, state: str) -> None:
    stock.write(push=statement)
    stock.run()
    assert stock.states == {"1": state, "2": "pushed"}


STOPPING = [name for name in errors.__all__ if getattr(errors, name).stops != "asset"]


@pytest.mark.parametrize("error", STOPPING)
def test_run_when_a_hook_raises_an_error_that_stops_more_than_the_asset_ends_and_leaves_it_due(
    stock: Any, error: str
) -> None:
    place = "'', " if error == "ConfigError" else ""
    stock.write(transform=f"import damlink.errors; raise damlink.errors.{error}({place}'a')")
    assert type(stock.run().error).__name__ == error
    assert (stock.states, stock.pushed) == ({"1": "due", "2": "due"}, [])
