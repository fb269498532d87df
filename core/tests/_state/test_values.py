from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from damlink._state.database import Database
from damlink._state.runs import KEPT, Runs
from damlink._state.tables import run as table
from damlink._state.values import ReadOnlyValues, Values

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=30)
@given(key=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), value=json_values)
def test_values_when_put_are_got_back(database: Database, key: str, value: Any) -> None:
    values = Values(database, "stock")
    values.put(key, "before")
    values.put(key, value)
    assert values.get(key, "default") == value


def test_values_when_deleted_or_unknown_are_the_default(database: Database) -> None:
    values = Values(database, "stock")
    values.put("a", 1)
    values.delete("a")
    values.delete("a")
    assert (values.get("a"), values.get("a", 7)) == (None, 7)


def test_values_when_of_another_connector_are_apart(
    database: Database, opened: Callable[[], Database]
) -> None:
    Values(database, "stock").put("a", 1)
    Values(database, "other").put("a", 2)
    assert Values(opened(), "stock").get("a") == 1


def test_values_when_no_json_are_refused_and_the_old_one_stays(database: Database) -> None:
    values = Values(database, "stock")
    values.put("a", 1)
    with pytest.raises(TypeError):
        values.put("a", {1, 2})
    assert values.get("a") == 1


def test_values_when_several_threads_put_the_same_new_key_all_succeed(
    database: Database, together: Callable[..., list[Any]]
) -> None:
    values = Values(database, "stock")
    for number in range(5):
        together(8, lambda who, key=f"key {number}": values.put(key, who))
        assert values.get(f"key {number}") in range(8)


def test_runs_when_begun_and_ended_tell_how(database: Database, time_: Any) -> None:
    runs = Runs(database, "stock")
    began = time_()
    number = runs.begin(3)
    (active,) = runs.latest()
    assert (active.started_at, active.finished_at, active.exit_code) == (began, None, None)
    time_.pass_by(seconds=9)
    runs.end(number, 1, {"outcomes": {"failed": 1}}, "oops")
    (ended,) = runs.latest()
    assert (ended.id, ended.connector, ended.finished_at) == (number, "stock", time_())
    assert (ended.exit_code, ended.error, ended.totals) == (1, "oops", {"outcomes": {"failed": 1}})


def test_runs_when_many_are_newest_first_and_of_one_connector(database: Database, time_: Any) -> None:
    mine = [Runs(database, "stock").begin(1) for _ in range(4)]
    Runs(database, "other").begin(1)
    assert [run.id for run in Runs(database, "stock").latest(3)] == mine[:0:-1]


def test_runs_when_very_many_keep_the_newest(database: Database, time_: Any) -> None:
    runs = Runs(database, "stock")
    old = {"connector": "stock", "epoch": 1, "owner": "x", "started_at": time_(), "error": "", "totals": "{}"}
    with database.write() as connection:
        connection.execute(sa.insert(table), [old | {"connector": "other"}, *[old] * KEPT])
    numbers = [runs.begin(1) for _ in range(3)]
    kept = [run.id for run in runs.latest(KEPT * 2)]
    assert (kept[:3], len(kept)) == (numbers[::-1], KEPT)
    assert len(Runs(database, "other").latest()) == 1


def test_runs_when_many_only_carried_what_events_brought_keep_the_last_that_listed(
    database: Database, time_: Any
) -> None:
    runs = Runs(database, "stock")
    older, listed = (runs.begin(1) for _ in range(2))
    columns = {"connector": "stock", "epoch": 1, "owner": "me", "started_at": time_(), "listing": False}
    with database.write() as connection:
        connection.execute(sa.insert(table), [columns] * (KEPT + 5))
    runs.begin(1, listing=False)
    kept = [run.id for run in runs.latest(2 * KEPT)]
    latest = runs.latest_listing()
    assert latest is not None
    assert (latest.id, older in kept, len(kept)) == (listed, False, KEPT + 1)


# --- updates and keys ------------------------------------------------------------------------------


def test_update_when_many_threads_and_connections_do_loses_none(
    database: Database, opened: Callable[[], Database], together: Callable[..., list[Any]]
) -> None:
    stores = [Values(database, "stock"), Values(opened(), "stock")]

    def count(who: int) -> None:
        for _ in range(10):
            stores[who % 2].update("count", lambda number: number + 1, 0)

    together(6, count)
    assert Values(database, "stock").get("count") == 60


def test_update_when_there_is_no_value_begins_with_the_default_and_returns_the_new_one(
    database: Database,
) -> None:
    values = Values(database, "stock")
    assert values.update("seen", lambda seen: [*seen, "a"], []) == ["a"]
    assert values.update("seen", lambda seen: [*seen, "b"], []) == values.get("seen") == ["a", "b"]


def test_update_when_the_value_changes_meanwhile_is_made_again_from_the_new_one(database: Database) -> None:
    values = Values(database, "stock")
    values.put("a", 1)
    meanwhile = iter([5])

    def double(number: int) -> int:
        for other in meanwhile:
            values.put("a", other)
        return 2 * number

    assert values.update("a", double) == values.get("a") == 10


@pytest.mark.parametrize("fails", [lambda _value: {1}, lambda _value: 1 / 0], ids=["no JSON", "raises"])
def test_update_when_its_function_fails_leaves_the_value(
    database: Database, fails: Callable[[Any], Any]
) -> None:
    values = Values(database, "stock")
    values.put("a", 1)
    with pytest.raises((TypeError, ZeroDivisionError)):
        values.update("a", fails)
    assert values.get("a") == 1


def test_keys_when_asked_are_those_of_the_connector_sorted(database: Database) -> None:
    values = Values(database, "stock")
    Values(database, "other").put("z", 1)
    for key in ("b", "ä", "a"):
        values.put(key, 1)
    values.delete("b")
    assert values.keys() == ["a", "ä"]


def test_values_when_read_only_update_and_list_in_memory(database: Database) -> None:
    kept = Values(database, "stock")
    kept.put("a", 1)
    kept.put("gone", 1)
    values = ReadOnlyValues(kept)
    values.delete("gone")
    assert (values.update("a", lambda n: n + 1), values.update("b", lambda n: n, 7)) == (2, 7)
    assert (values.keys(), kept.keys(), kept.get("a")) == (["a", "b"], ["a", "gone"], 1)
