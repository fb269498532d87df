"""Topics count only after a person has let them in."""

from __future__ import annotations

from typing import Any

from damlink._state.database import Database
from damlink._state.topics import Topics

TOPIC = "arn:aws:sns:eu-west-1:111122223333:brand"


def test_topics_when_one_writes_it_is_pending_until_a_person_approves(database: Database, time_: Any) -> None:
    topics = Topics(database)
    assert topics.state("brand", TOPIC) is None
    topics.note("brand", TOPIC, b"sealed")
    assert (topics.state("brand", TOPIC), topics.token("brand", TOPIC)) == ("pending", b"sealed")
    time_.pass_by(seconds=1)
    topics.note("brand", TOPIC, None)
    assert topics.token("brand", TOPIC) == b"sealed"
    topics.approve("brand", TOPIC)
    topics.note("brand", TOPIC, b"newer")
    assert (topics.state("brand", TOPIC), topics.token("brand", TOPIC)) == ("approved", b"newer")
    assert topics.state("other", TOPIC) is None


def test_topics_when_confirmed_forget_the_token(database: Database, time_: Any) -> None:
    topics = Topics(database)
    topics.note("brand", TOPIC, b"sealed")
    time_.pass_by(minutes=1)
    topics.approve("brand", TOPIC)
    time_.pass_by(minutes=1)
    topics.mark_confirmed("brand", TOPIC)
    (topic,) = topics.listing("brand")
    assert (topic.arn, topic.state, topic.confirmed_at) == (TOPIC, "approved", time_())
    assert topics.token("brand", TOPIC) is None
    assert topics.listing("other") == []


def test_topics_when_approved_before_they_write_are_let_in(database: Database, time_: Any) -> None:
    topics = Topics(database)
    topics.approve("brand", TOPIC)
    assert topics.state("brand", TOPIC) == "approved"
