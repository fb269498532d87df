from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from loopback import until
from queues import Filled, standing_in

from damlink._config.edit import document
from damlink._config.load import loads
from damlink._run.session import Session
from damlink._serve.event_queue import EventQueues, QueueReader, verify_queues
from damlink._serve.receiver import EventReceiver, endpoints_of
from damlink._sns.queue import Message, Queue, open_queue
from damlink._sns.verify import Certificates
from damlink._state.inbox import Inbox
from damlink._state.refused import RefusedMessages
from damlink.errors import ConfigError, StateError

CHILD = Path(__file__).parents[1] / "children" / "read_queue.py"
ASSET = "0A1B2C3D-0000-0000-{:016X}"


@pytest.fixture(scope="module")
def amazon() -> Iterator[str]:
    with standing_in() as address:
        yield address


@pytest.fixture
def queue(amazon: str, request: pytest.FixtureRequest) -> Iterator[Filled]:
    with contextlib.closing(Filled(amazon, f"q{abs(hash(request.node.name))}")) as made:
        yield made


@pytest.fixture
def session(tables: Any, queue: Filled, tmp_path: Path, monkeypatch: Any) -> Iterator[Session]:
    monkeypatch.setenv("TOKEN", "sesame-sesame")
    portal = {**tables["portals"]["brand"], "event_queue": queue.url}
    text = document({"portals": {"brand": portal}})
    (tmp_path / "damlink.toml").write_text(text)
    with Session(loads(text, tmp_path / "damlink.toml")) as opened:
        yield opened


@pytest.fixture
def counted() -> list[str]:
    return []


@pytest.fixture
def read(session: Session, queue: Filled, counted: list[str]) -> Iterator[Callable[..., int]]:
    """Read one batch of the queue, some time after now."""
    opened = open_queue(queue.url, seconds=1)

    def read(**lapse: float) -> int:
        receiver = EventReceiver(
            endpoints_of(session, Certificates()),
            Inbox(session.database),
            now=lambda: session.now() + timedelta(**lapse),
        )
        refused = RefusedMessages(session.database)
        reader = QueueReader(
            receiver, refused, "brand", lambda: opened, lambda _portal, outcome: counted.append(outcome)
        )
        return reader.step(opened)

    yield read
    opened.close()


def raw(number: int) -> dict[str, str]:
    return {"media_id": ASSET.format(number)}


def test_reader_when_a_message_is_signed_stores_it_and_deletes_it(
    sns: Any, session: Session, queue: Filled, read: Callable[..., int], counted: list[str]
) -> None:
    queue.send(sns.envelope())
    read()
    (event,) = Inbox(session.database).gather("brand", 0.0)
    assert (counted, event.notification.subject) == (["stored"], "asset_bank.media.meta_updated")
    assert queue.left == (0, 0)


def test_reader_when_a_message_waited_for_days_stores_it(
    sns: Any, queue: Filled, read: Callable[..., int], counted: list[str]
) -> None:
    queue.send(sns.envelope())
    read(days=13)
    assert (counted, queue.left) == (["stored"], (0, 0))


def test_reader_when_a_message_is_older_than_any_in_a_queue_refuses_it(
    sns: Any, queue: Filled, read: Callable[..., int], counted: list[str]
) -> None:
    queue.send(sns.envelope())
    read(days=15)
    assert (counted, queue.left) == (["forged"], (0, 1))


def test_reader_when_a_message_comes_by_raw_delivery_stores_it(
    session: Session, queue: Filled, read: Callable[..., int], counted: list[str]
) -> None:
    queue.send(raw(1))
    read()
    assert (counted, queue.left, Inbox(session.database).open_count()) == (["stored"], (0, 0), 1)


def test_reader_when_a_message_comes_twice_stores_it_once(
    sns: Any, session: Session, queue: Filled, read: Callable[..., int], counted: list[str]
) -> None:
    envelope = sns.envelope()
    queue.send(envelope, envelope)
    while queue.left != (0, 0):
        read()
    assert (sorted(counted), Inbox(session.database).open_count()) == (["duplicate", "stored"], 1)


REFUSED = {
    "forged": lambda sns: {**sns.envelope(), "Message": '{"media_id": "A"}'},
    "unsigned": lambda sns: {"Message": '{"media_id": "A"}', "media_id": "A"},
    "a topic that nobody approved": lambda sns: sns.envelope(
        TopicArn="arn:aws:sns:eu-west-1:999988887777:foreign"
    ),
    "no JSON": lambda _sns: "sand",
    "no asset": lambda _sns: {"a": "b"},
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_reader_when_a_message_cannot_be_verified_keeps_and_reports_it(
    sns: Any, session: Session, queue: Filled, read: Callable[..., int], make: Any, caplog: Any
) -> None:
    queue.send(make(sns))
    with caplog.at_level(logging.WARNING):
        read()
    (refused,) = RefusedMessages(session.database).latest("brand", 9)
    assert (queue.left, Inbox(session.database).open_count()) == ((0, 1), 0)
    assert f"{refused.message_id} is refused, and stays in the queue: {refused.reason}" in caplog.text


class Given(Queue):
    """A queue that gives what a test says, and notes what is done to it."""

    def __init__(self) -> None:
        super().__init__("https://sqs.eu-west-1.amazonaws.com/1/given", None)
        self.messages: list[Message] = []
        self.hidden: list[str] = []
        self.deleted: list[str] = []

    def receive(self) -> list[Message]:
        return self.messages

    def hide(self, message: Message, seconds: int) -> None:
        self.hidden.append(message.id)

    def delete(self, messages: Sequence[Message]) -> None:
        self.deleted += [each.id for each in messages]


def test_reader_when_a_topic_is_approved_later_takes_its_message_and_forgets_the_refusal(
    sns: Any, session: Session, caplog: Any
) -> None:
    endpoints, refused, queue = (
        endpoints_of(session, Certificates()),
        RefusedMessages(session.database),
        Given(),
    )
    receiver = EventReceiver(endpoints, Inbox(session.database))
    reader = QueueReader(receiver, refused, "brand", lambda: queue, lambda _portal, _outcome: None)
    foreign = "arn:aws:sns:eu-west-1:999988887777:foreign"
    body = json.dumps(sns.envelope(TopicArn=foreign))
    for times in (1, 2):
        queue.messages = [Message("1", "r", body, 0, times)]
        reader.step(queue)
    assert (queue.hidden, queue.deleted, refused.counts()) == (["1", "1"], [], {"brand": 1})
    assert caplog.text.count("is refused") == 1
    endpoints["brand"].subscriptions.approve(foreign)
    queue.messages = [Message("1", "r", body, 0, 3)]
    reader.step(queue)
    assert (queue.deleted, refused.counts(), Inbox(session.database).open_count()) == (["1"], {}, 1)


def test_reader_when_the_database_is_away_leaves_the_messages_for_later(
    session: Session, queue: Filled, read: Callable[..., int], counted: list[str]
) -> None:
    queue.send(raw(1), raw(2))
    session.database.file.unlink()
    with pytest.raises(StateError):
        read()
    assert (counted, sum(queue.left)) == ([], 2)


def test_queues_when_boto3_is_missing_names_the_extra(session: Session, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError, match=r"event_queue: needs boto3; pip install") as caught:
        verify_queues(session.config)
    assert caught.value.exit_code == 3


def test_queues_when_two_portals_share_one_name_the_other(session: Session) -> None:
    brand = session.config.portals["brand"]
    both = attrs.evolve(session.config, portals={"brand": brand, "other": brand})
    with pytest.raises(ConfigError, match="other.event_queue: the portal brand reads this queue"):
        verify_queues(both)


class Silent(Queue):
    """A queue whose poll lasts until a test has it answered."""

    def __init__(self, url: str = "http://127.0.0.1:9/1/silent") -> None:
        super().__init__(url, None)
        self.polled, self.answered = threading.Event(), threading.Event()

    def receive(self) -> list[Message]:
        self.polled.set()
        assert self.answered.wait(60)
        return [Message("1", "r", json.dumps(raw(1)), 0)]

    def close(self) -> None:
        self.polled.clear()


def test_queues_when_stopped_during_a_poll_have_ended_and_store_nothing_more(session: Session) -> None:
    silent = Silent()
    receiver = EventReceiver(endpoints_of(session, Certificates()), Inbox(session.database))
    queues = EventQueues(session, receiver, open_=lambda _url: silent)
    queues.start()
    assert silent.polled.wait(60)
    queues.stop()
    assert queues.join(0) is True
    silent.answered.set()
    until(lambda: not silent.polled.is_set())
    assert Inbox(session.database).open_count() == 0


def test_queues_when_the_config_names_others_close_those_of_before(session: Session) -> None:
    opened: list[Silent] = []

    def open_(url: str) -> Queue:
        opened.append(Silent(url))
        return opened[-1]

    receiver = EventReceiver(endpoints_of(session, Certificates()), Inbox(session.database))
    queues = EventQueues(session, receiver, open_=open_)
    queues.start()
    for number in range(5):
        until(lambda number=number: len(opened) > number and opened[number].polled.is_set())
        rename_queue(session, f"http://127.0.0.1:9/1/{number}" if number < 4 else "")
        assert queues.follow() == []
        opened[number].answered.set()
    until(lambda: not any(each.polled.is_set() for each in opened))
    assert (len(opened), queues.is_alive, queues.join(60)) == (5, True, True)


def rename_queue(session: Session, url: str) -> None:
    brand = session.config.portals["brand"]
    table = attrs.evolve(brand, table={**brand.table, "event_queue": url})
    session.follow(attrs.evolve(session.config, portals={"brand": table}))


def test_readers_when_killed_again_and_again_lose_nothing_and_store_nothing_twice(
    session: Session, queue: Filled
) -> None:
    queue.send(*(raw(number) for number in range(30)))
    # A reader deletes ten at once: one that is killed after fifteen has stored some that it has not deleted.
    read_and_kill(session, queue, lambda lines: [lines.readline() for _ in range(15)])
    stored = Inbox(session.database).open_count()
    read_and_kill(session, queue, lambda _lines: until(lambda: queue.left == (0, 0)))
    found = [event.notification.asset_id for event in Inbox(session.database).gather("brand", 0.0)]
    assert stored >= 15
    assert sorted(found) == [ASSET.format(number) for number in range(30)]
    assert Inbox(session.database).open_count() == 30


def read_and_kill(session: Session, queue: Filled, wait: Callable[[Any], Any]) -> None:
    """Have a process read the queue, and kill it after a wait."""
    command = [sys.executable, str(CHILD), str(session.config.path), queue.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            wait(child.stdout)
        finally:
            child.kill()
