from __future__ import annotations

from datetime import timedelta
from typing import Any

from damlink._state.database import Database
from damlink._state.refusals import KEPT, LONGEST, MOST_TOPICS, Refusals


def test_refusal_when_it_comes_again_is_counted_in_one_row(database: Database, time_: Any) -> None:
    refusals, begin = Refusals(database), time_()
    refusals.add("brand", "forged", "arn:a", "no signature", "Notification 1", 1)
    time_.pass_by(minutes=1)
    refusals.add("brand", "forged", "arn:a", "too old", "Notification 2", 7)
    (found,) = refusals.latest("brand", 9)
    assert (found.times, found.reason, found.last_message) == (8, "too old", "Notification 2")
    assert (found.first_at, found.last_at) == (begin, time_())


def test_refusals_when_of_very_many_topics_stay_few_rows_and_lose_no_count(database: Database) -> None:
    refusals = Refusals(database)
    for number in range(3 * MOST_TOPICS):
        refusals.add("brand", "forged", f"arn:{number}", "no signature", "", 1)
    found = refusals.latest("brand", 1000)
    assert len(found) == MOST_TOPICS + 1
    assert sum(each.times for each in found) == 3 * MOST_TOPICS
    assert {each.topic: each.times for each in found}[""] == 2 * MOST_TOPICS


def test_refusals_of_a_known_topic_are_counted_even_when_there_are_too_many(database: Database) -> None:
    refusals = Refusals(database)
    for number in [*range(2 * MOST_TOPICS), 0]:
        refusals.add("brand", "forged", f"arn:{number}", "no signature", "", 1)
    assert {each.topic: each.times for each in refusals.latest("brand", 1000)}["arn:0"] == 2


def test_refusals_on_another_day_or_portal_have_rows_of_their_own(database: Database, time_: Any) -> None:
    refusals = Refusals(database)
    refusals.add("brand", "forged", "arn:a", "no signature", "", 1)
    refusals.add("other", "forged", "arn:a", "no signature", "", 1)
    time_.pass_by(days=1)
    refusals.add("brand", "forged", "arn:a", "no signature", "", 1)
    assert [each.day for each in refusals.latest("brand", 9)] == [
        time_().date().isoformat(),
        (time_() - timedelta(days=1)).date().isoformat(),
    ]
    assert len(refusals.latest("other", 9)) == 1


def test_refusals_when_old_are_forgotten(database: Database, time_: Any) -> None:
    refusals = Refusals(database)
    refusals.add("brand", "forged", "arn:a", "no signature", "", 1)
    time_.pass_by(days=KEPT.days + 1)
    refusals.add("brand", "raw", "", "raw", "", 1)
    assert [each.outcome for each in refusals.latest("brand", 9)] == ["raw"]


def test_refusal_when_long_is_cut(database: Database) -> None:
    refusals = Refusals(database)
    refusals.add("brand", "malformed", "", "x" * 10_000, "y" * 10_000, 1)
    (found,) = refusals.latest("brand", 9)
    assert (len(found.reason), len(found.last_message)) == (LONGEST, LONGEST)
