from __future__ import annotations

import json
import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from damlink._serve.address import event_path, event_token


def test_message_when_good_is_stored_before_it_is_answered(served: Any, sns: Any) -> None:
    before = served.inbox.open_count("brand")
    answer = served.post(sns.envelope())
    assert (answer.status_code, answer.text) == (200, "stored\n")
    assert served.inbox.open_count("brand") == before + 1


def test_message_when_it_comes_again_is_answered_200_and_kept_once(served: Any, sns: Any) -> None:
    envelope = sns.envelope()
    first = served.post(envelope).text
    before = served.inbox.open_count("brand")
    again = served.post(envelope)
    assert (first, again.status_code, again.text) == ("stored\n", 200, "duplicate\n")
    assert served.inbox.open_count("brand") == before


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", ["asset_bank.media.create", "", None], ids=["subject", "empty", "none"])
def test_message_when_signed_by_either_version_is_stored(
    served: Any, sns: Any, version: str, subject: str | None
) -> None:
    fields = sns.fields(Subject=subject, Message='line 1\n"quoted" é \U0001f600\r\n')
    assert served.post(sns.signed(fields, version)).text == "stored\n"


@pytest.mark.parametrize("kind", ["text/plain; charset=UTF-8", "application/json", "application/xml", ""])
def test_message_when_sent_under_any_type_is_read(served: Any, sns: Any, kind: str) -> None:
    assert served.post(sns.envelope(), Content_Type=kind).status_code == 200


def test_message_when_it_tells_two_portals_is_kept_for_each(served: Any, sns: Any) -> None:
    envelope = sns.envelope()
    other = event_path("other", event_token(served.session, "other"))
    answers = [served.post(envelope, path).text for path in (served.path, other, other)]
    assert answers == ["stored\n", "stored\n", "duplicate\n"]


@pytest.mark.parametrize("late", [{"minutes": -89}, {"minutes": 4}], ids=["retried", "ahead"])
def test_message_when_inside_the_window_is_stored(served: Any, sns: Any, soon: Any, late: Any) -> None:
    assert served.post(sns.envelope(Timestamp=soon(**late))).text == "stored\n"


@pytest.mark.parametrize(
    "path",
    ["/events/brand/wrong", "/events/nobody/{}", "/events/other/{}", "/events/brand/", "/events/brand/{}x"],
)
def test_address_when_unknown_is_not_found(served: Any, sns: Any, path: str) -> None:
    token = served.path.rpartition("/")[2]
    assert served.post(sns.envelope(), path.format(token)).status_code == 404


def test_address_when_asked_otherwise_is_refused(served: Any) -> None:
    assert served.client.get(served.path).status_code == 405


def test_body_when_too_large_is_refused_without_being_read(served: Any) -> None:
    url = urlsplit(served.url)
    with socket.create_connection((url.hostname, url.port), timeout=60) as connection:
        head = f"POST {served.path} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
        connection.sendall(f"{head}Content-Length: 9000000000\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_body_when_it_grows_too_large_is_refused(served: Any) -> None:
    pieces = (b" " * 65536 for _ in range(17))
    answer = served.client.post(served.path, content=pieces, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 413


def test_body_when_as_large_as_allowed_is_stored(served: Any, sns: Any) -> None:
    envelope = sns.envelope(Message="x" * 262_144)
    body = json.dumps(envelope).encode()
    assert served.post(body.ljust(1024 * 1024)).status_code == 200


def test_bodies_when_many_are_unfinished_hold_up_no_other(served: Any, sns: Any) -> None:
    url = urlsplit(served.url)
    head = f"POST {served.path} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{{".encode()
    with ExitStack() as unfinished:
        for _ in range(100):
            connection = socket.create_connection((url.hostname, url.port), timeout=60)
            unfinished.enter_context(connection).sendall(head)
        assert served.client.get("/healthz").status_code == 200
        assert served.post(sns.envelope()).text == "stored\n"


@pytest.mark.parametrize(
    "unit", ['"', '\\"', "[],", '{"a":1},'], ids=["quotes", "escaped", "lists", "objects"]
)
def test_health_when_hostile_bodies_are_read_is_answered_meanwhile(served: Any, unit: str) -> None:
    body = (unit * 1024 * 1024).encode()[: 1024 * 1024]
    with ThreadPoolExecutor(6) as pool:
        hostile = [pool.submit(served.post, body) for _ in range(6)]
        assert served.client.get("/healthz", timeout=60).status_code == 200
    assert {each.result().status_code for each in hostile} == {400}


BOTH = "Content-Length: 5\r\nTransfer-Encoding: chunked"


@pytest.mark.parametrize(
    "head",
    [
        f"POST {{}} HTTP/1.1\r\nHost: a\r\n{BOTH}",
        f"GET /healthz HTTP/1.1\r\nHost: a\r\n{BOTH}",
        f"POST /nowhere HTTP/1.1\r\nHost: a\r\n{BOTH}",
        "POST {} HTTP/1.0\r\nTransfer-Encoding: chunked",
        "POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6",
        "POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: +5",
        "POST {} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity",
        "POST {} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    ],
    ids=[
        "both",
        "both-get",
        "both-nowhere",
        "http-1.0",
        "two-lengths",
        "signed-length",
        "two-codings",
        "twice",
    ],
)
def test_length_when_it_can_be_read_in_two_ways_is_refused_and_the_connection_closed(
    served: Any, head: str
) -> None:
    url = urlsplit(served.url)
    with socket.create_connection((url.hostname, url.port), timeout=60) as connection:
        connection.sendall(
            f"{head.format(served.path)}\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n".encode()
        )
        with connection.makefile("rb") as answer:
            said = answer.read()
    assert said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501"))
    assert said.count(b"HTTP/1.1") == 1


def test_raw_delivery_when_it_comes_is_refused_and_the_admin_is_told(
    served: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "damlink"):
        answer = served.post(b'{"media_id": "A"}', x_amz_sns_rawdelivery="true")
    assert answer.status_code == 403
    assert "brand: raw delivery carries no signature" in caplog.text


def test_unsubscription_when_it_comes_is_kept_and_never_undone(served: Any, sns: Any) -> None:
    before = served.inbox.open_count("brand")
    served.topics.mark_confirmed("brand", sns.fields()["TopicArn"])
    asked = sns.sandbox.world.counts["sns GET /"]
    answer = served.post(sns.envelope("UnsubscribeConfirmation"))
    assert answer.text == "stored\n"
    assert served.inbox.open_count("brand") == before + 1
    assert sns.sandbox.world.counts["sns GET /"] == asked
    assert served.topics.listing("brand")[0].confirmed_at is None


def test_subscription_when_the_topic_is_listed_is_confirmed_by_an_address_of_ours(
    served: Any, sns: Any, eventually: Any, stranger: Any
) -> None:
    topic = sns.part.topic
    subscription = topic.subscribe(f"{served.url}{served.path}", [])
    eventually(lambda: subscription.confirmed)
    eventually(lambda: served.topics.listing("brand")[0].confirmed_at)
    sns.part.publish("asset_bank.media.create", {"media_id": "A"})
    eventually(lambda: [each for each in topic.state()["deliveries"] if each["type"] == "Notification"])
    assert {each["status"] for each in topic.state()["deliveries"]} == {200}
    assert stranger.asked == []


def test_topic_when_not_listed_waits_for_approval_with_its_token_sealed(served: Any, sns: Any) -> None:
    arn = "arn:aws:sns:eu-west-1:999988887777:foreign"
    before = served.inbox.open_count("brand")
    notified = served.post(sns.envelope(TopicArn=arn))
    asked = served.post(sns.envelope("SubscriptionConfirmation", TopicArn=arn))
    assert [notified.status_code, asked.status_code] == [403, 403]
    assert served.topics.state("brand", arn) == "pending"
    sealed = served.topics.token("brand", arn)
    assert b"f00d" not in sealed
    assert served.session.cipher.open(sealed, ("topic", "brand", arn)) == b"f00d" * 16
    assert served.inbox.open_count("brand") == before


def test_topic_when_its_signature_is_wrong_is_not_even_noted(served: Any, sns: Any) -> None:
    arn = "arn:aws:sns:eu-west-1:999988887777:unsigned"
    assert served.post({**sns.envelope(), "TopicArn": arn}).status_code == 403
    assert served.topics.state("brand", arn) is None


def test_topic_when_approved_is_let_in(served: Any, sns: Any) -> None:
    arn = "arn:aws:sns:eu-west-1:111122223333:approved-later"
    assert served.post(sns.envelope(TopicArn=arn)).status_code == 403
    served.topics.approve("brand", arn)
    assert served.post(sns.envelope(TopicArn=arn)).text == "stored\n"
    assert served.topics.state("other", arn) is None


def test_topics_when_too_many_wait_are_no_longer_kept(served: Any, sns: Any) -> None:
    for number in range(60):
        arn = f"arn:aws:sns:eu-west-1:999988887777:flood-{number}"
        assert served.post(sns.envelope(TopicArn=arn)).status_code == 403
    assert len([each for each in served.topics.listing("brand") if each.state == "pending"]) == 50


def test_certificate_when_it_cannot_be_had_asks_for_another_try(served: Any, sns: Any, egress: Any) -> None:
    url = f"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-{'a' * 32}.pem"
    envelope = sns.signed(sns.fields(), SigningCertURL=url)
    assert served.post(envelope).status_code == 503
    assert egress.lines == ["CONNECT sns.eu-west-1.amazonaws.com:443 HTTP/1.1"]


def test_health_when_asked_is_answered(served: Any) -> None:
    assert [served.client.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]


def test_metrics_when_asked_count_messages_and_tell_no_token(served: Any, sns: Any) -> None:
    served.post(sns.envelope())
    text = served.client.get("/metrics").text
    assert 'damlink_messages_total{outcome="stored",portal="brand"}' in text
    assert 'damlink_events_waiting{portal="brand"}' in text
    assert served.path.rpartition("/")[2] not in text
