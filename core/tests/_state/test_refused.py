"""Refused messages are kept within bounds, and without what acts on a subscription."""

from __future__ import annotations

import json
from typing import Any

from damlink._state.database import Database
from damlink._state.refused import KEPT, LONGEST, MOST, RefusedMessages


def test_refused_when_noted_again_counts_and_keeps_the_first_moment(database: Database, time_: Any) -> None:
    refused, begin = RefusedMessages(database), time_()
    assert refused.note("brand", "1", "forged", "sand") is True
    time_.pass_by(minutes=15)
    assert refused.note("brand", "1", "pending", "sand") is False
    (found,) = refused.latest("brand", 9)
    assert (found.reason, found.message, found.times) == ("pending", "sand", 2)
    assert (found.first_at, found.last_at) == (begin, time_())


def test_refused_when_a_message_confirms_a_subscription_keeps_no_token(database: Database) -> None:
    refused = RefusedMessages(database)
    message = {"Type": "SubscriptionConfirmation", "Token": "f00d", "SubscribeURL": "https://x/?Token=f00d"}
    refused.note("brand", "1", "forged", json.dumps(message))
    (found,) = refused.latest("brand", 9)
    assert json.loads(found.message) == {"Type": "SubscriptionConfirmation"}


def test_refused_when_there_are_too_many_keeps_the_newest(database: Database, time_: Any) -> None:
    refused = RefusedMessages(database)
    refused.note("other", "0", "forged", "")
    for number in range(MOST + 1):
        time_.pass_by(seconds=1)
        refused.note("brand", str(number), "forged", "x" * (LONGEST + 1))
    found = refused.latest("brand", MOST + 1)
    assert refused.counts() == {"brand": MOST, "other": 1}
    assert (found[0].message_id, found[-1].message_id) == (str(MOST), "1")
    assert len(found[0].message) == LONGEST


def test_refused_when_old_or_accepted_are_forgotten(database: Database, time_: Any) -> None:
    refused = RefusedMessages(database)
    refused.note("brand", "1", "forged", "")
    time_.pass_by(seconds=KEPT.total_seconds() + 1)
    refused.note("brand", "2", "forged", "")
    assert [each.message_id for each in refused.latest("brand", 9)] == ["2"]
    refused.forget("brand", "2")
    assert refused.counts() == {}
