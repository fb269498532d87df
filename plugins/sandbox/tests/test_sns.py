from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from damlink_sandbox import BynderSandbox, Sandbox, SnsSandbox

HASHES = {"1": hashes.SHA1(), "2": hashes.SHA256()}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([BynderSandbox, SnsSandbox]) as running:
        running.part("sns").control("retry", {"seconds": 0.02})
        yield running


@pytest.fixture
def sns(sandbox: Sandbox) -> Any:
    part: Any = sandbox.part("sns")
    for each in list(part.topic.subscriptions.values()):
        each.confirmed = False
    part.control("signature", {"version": "1"})
    return part


@pytest.fixture
def confirmed(sns: Any, server: Any, sandbox: Sandbox, eventually: Any) -> str:
    """A subscription of the test's server, which has confirmed; and nothing has been noted yet."""
    subscription = str(sns.control("subscribe", {"endpoint": f"{server.url}/events"})["id"])
    eventually(lambda: server.asked)
    assert httpx.get(json.loads(server.asked[0].body)["SubscribeURL"], trust_env=False).status_code == 200
    eventually(sns.topic.courier.is_idle)
    server.asked.clear()
    sns.topic.courier.noted.clear()
    return subscription


def asked(server: Any, count: int, eventually: Any) -> list[dict[str, Any]]:
    eventually(lambda: len(server.asked) >= count)
    return [json.loads(each.body) for each in server.asked]


def genuine(envelope: dict[str, Any]) -> bool:
    """Whether an independent reading of the guide finds the signature right."""
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope)
    pem = httpx.get(envelope["SigningCertURL"], trust_env=False).content
    key: Any = x509.load_pem_x509_certificate(pem).public_key()
    try:
        signature = base64.b64decode(envelope["Signature"])
        key.verify(signature, text.encode(), padding.PKCS1v15(), HASHES[envelope["SignatureVersion"]])
    except InvalidSignature:
        return False
    return True


def test_subscribe_when_not_confirmed_sends_the_request_and_nothing_else(
    sns: Any, server: Any, eventually: Any
) -> None:
    identity = sns.control("subscribe", {"endpoint": f"{server.url}/events/a?b=c"})["id"]
    (envelope,) = asked(server, 1, eventually)
    sns.publish("asset_bank.media.create", {"media_id": "A"})
    eventually(sns.topic.courier.is_idle)
    assert len(server.asked) == 1
    assert not sns.is_confirmed(identity)
    assert (envelope["Type"], server.asked[0].path) == ("SubscriptionConfirmation", "/events/a?b=c")
    assert genuine(envelope)
    headers = server.asked[0].headers
    assert headers["content-type"] == "text/plain; charset=UTF-8"
    assert headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert headers["user-agent"] == "Amazon Simple Notification Service Agent"
    assert "x-amz-sns-subscription-arn" not in headers


def test_confirm_when_the_token_is_wrong_or_old_is_refused(
    sns: Any, server: Any, sandbox: Sandbox, eventually: Any
) -> None:
    identity = sns.control("subscribe", {"endpoint": server.url})["id"]
    token = sns.topic.subscriptions[identity].token
    query = {"Action": "ConfirmSubscription", "TopicArn": sns.state()["topic"], "Token": "wrong"}
    wrong = httpx.get(sandbox.origins["sns"], params=query, trust_env=False)
    foreign = httpx.get(
        sandbox.origins["sns"], params=query | {"TopicArn": "x", "Token": token}, trust_env=False
    )
    right = httpx.get(sandbox.origins["sns"], params=query | {"Token": token}, trust_env=False)
    assert [wrong.status_code, foreign.status_code, right.status_code] == [400, 400, 200]
    assert re.search(rf"<SubscriptionArn>arn:[^<]+:{identity}</SubscriptionArn>", right.text)
    sandbox.world.clock.advance(3 * 86400)
    late = httpx.get(sandbox.origins["sns"], params=query | {"Token": token}, trust_env=False)
    sandbox.world.clock.advance(-3 * 86400)
    assert late.status_code == 400


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", ["asset_bank.media.create", None])
def test_publish_when_confirmed_is_signed_and_complete(
    sns: Any, server: Any, confirmed: str, eventually: Any, version: str, subject: str | None
) -> None:
    sns.control("signature", {"version": version})
    sns.control("publish", {"subject": subject, "message": 'é\n"quoted"'})
    (envelope,) = asked(server, 1, eventually)
    assert genuine(envelope)
    assert envelope["Message"] == 'é\n"quoted"'
    assert envelope.get("Subject") == subject
    assert envelope["SignatureVersion"] == version
    assert server.asked[0].headers["x-amz-sns-subscription-arn"].endswith(confirmed)


def test_publish_when_the_subject_is_not_wanted_is_not_sent(
    sns: Any, server: Any, confirmed: str, eventually: Any
) -> None:
    sns.topic.subscriptions[confirmed].subjects = ("asset_bank.media.deleted",)
    sns.publish("asset_bank.media.create", {})
    sns.publish("asset_bank.media.deleted", {})
    (envelope,) = asked(server, 1, eventually)
    eventually(sns.topic.courier.is_idle)
    assert (len(server.asked), envelope["Subject"]) == (1, "asset_bank.media.deleted")


@pytest.mark.parametrize(
    ("answers", "sent"),
    [([500, 503, 200], 3), ([500] * 9, 4), ([404], 1), ([403], 1), ([302], 1), ([200], 1)],
    ids=str,
)
def test_delivery_when_refused_is_repeated_as_the_real_one_does(
    sns: Any, server: Any, confirmed: str, eventually: Any, answers: list[int], sent: int
) -> None:
    for status in answers:
        server.then(status)
    sns.publish("asset_bank.media.create", {})
    eventually(lambda: len(sns.state()["deliveries"]) == sent and sns.topic.courier.is_idle())
    assert len({each["message_id"] for each in sns.state()["deliveries"]}) == 1
    assert [each["status"] for each in sns.state()["deliveries"]] == answers[:sent]


def test_delivery_when_nobody_answers_is_repeated(
    sns: Any, server: Any, confirmed: str, eventually: Any
) -> None:
    server.then(cut=-1)
    sns.publish("asset_bank.media.create", {})
    eventually(lambda: len(sns.state()["deliveries"]) == 2)
    first, second = sns.state()["deliveries"]
    assert "error" in first
    assert second["status"] == 200


def test_fault_when_duplicate_sends_the_same_message_twice(
    sns: Any, server: Any, confirmed: str, eventually: Any
) -> None:
    sns.control("fault", {"kind": "duplicate"})
    sns.publish("asset_bank.media.create", {})
    first, second = asked(server, 2, eventually)
    assert first == second


def test_fault_when_reorder_sends_the_later_one_first(
    sns: Any, server: Any, confirmed: str, eventually: Any
) -> None:
    sns.control("fault", {"kind": "reorder", "seconds": 0.1})
    sns.publish("first", {})
    sns.publish("second", {})
    assert [each["Subject"] for each in asked(server, 2, eventually)] == ["second", "first"]


@pytest.mark.parametrize(
    ("kind", "still_genuine"),
    [("tampered", False), ("foreign-topic", True), ("expired", True)],
)
def test_fault_when_scripted_makes_the_message_wrong(
    sns: Any, server: Any, confirmed: str, eventually: Any, kind: str, still_genuine: bool
) -> None:
    sns.control("fault", {"kind": kind})
    sns.publish("asset_bank.media.create", {})
    (envelope,) = asked(server, 1, eventually)
    assert genuine(envelope) is still_genuine
    assert (envelope["TopicArn"] != sns.state()["topic"]) is (kind == "foreign-topic")


def test_fault_when_the_certificate_host_is_wrong_names_a_bucket(
    sns: Any, server: Any, confirmed: str, eventually: Any
) -> None:
    sns.control("fault", {"kind": "bad-cert-host"})
    sns.publish("asset_bank.media.create", {})
    (envelope,) = asked(server, 1, eventually)
    assert envelope["SigningCertURL"].startswith("https://sns.s3-us-west-2.amazonaws.com/")


def test_fault_when_raw_sends_the_message_alone(
    sns: Any, server: Any, confirmed: str, eventually: Any
) -> None:
    sns.control("fault", {"kind": "raw"})
    sns.publish("asset_bank.media.create", {"media_id": "A"})
    assert asked(server, 1, eventually) == [{"media_id": "A"}]
    assert server.asked[0].headers["x-amz-sns-rawdelivery"] == "true"


def test_unsubscribe_when_confirmed_tells_the_endpoint_which_could_undo_it(
    sns: Any, server: Any, confirmed: str, eventually: Any
) -> None:
    sns.publish("asset_bank.media.create", {})
    (notification,) = asked(server, 1, eventually)
    assert httpx.get(notification["UnsubscribeURL"], trust_env=False).status_code == 200
    envelope = asked(server, 2, eventually)[1]
    assert envelope["Type"] == "UnsubscribeConfirmation"
    assert genuine(envelope)
    assert not sns.is_confirmed(confirmed)
    httpx.get(envelope["SubscribeURL"], trust_env=False)
    assert sns.is_confirmed(confirmed)


def test_control_when_unknown_is_refused(sns: Any) -> None:
    with pytest.raises(KeyError):
        sns.control("explode", {})
    with pytest.raises(ValueError, match="no fault 'explode'"):
        sns.control("fault", {"kind": "explode"})
