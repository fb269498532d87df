"""Hostile messages: all are refused, none is kept, and none makes us ask a host that is not SNS's."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from damlink_sandbox import Fault

PEM: Final = f"/SimpleNotificationService-{'0123456789abcdef' * 2}.pem"
AMAZON: Final = "sns.eu-west-1.amazonaws.com"
CONFIRM: Final = "SubscriptionConfirmation"
CONFIRMATIONS: Final = "sns GET /"  # what the stand-in counts them as
FOREIGN: Final = "arn:aws:sns:eu-west-1:999988887777:foreign"

Forge = Callable[[Any, str], Any]
"""A hostile body, from an SNS to sign with and the host of a listener that must never be asked."""


def certificate(url: str) -> Forge:
    """A message whose certificate is elsewhere."""
    return lambda sns, victim: sns.signed(
        sns.fields(), SigningCertURL=url.format(victim=victim, sns=sns.host)
    )


def changed(name: str, value: Any, kind: str = "Notification") -> Forge:
    """A message with a field changed after it was signed."""
    return lambda sns, _: {**sns.envelope(kind), name: value}


def signed(kind: str = "Notification", **fields: Any) -> Forge:
    """A message that says something wrong, correctly signed."""

    def forge(sns: Any, victim: str) -> Any:
        given = {name: value.format(victim=victim) for name, value in fields.items()}
        return sns.signed(sns.fields(kind, **given))

    return forge


def without(name: str) -> Forge:
    def forge(sns: Any, _: str) -> Any:
        envelope = sns.envelope()
        del envelope[name]
        return envelope

    return forge


def body(data: bytes) -> Forge:
    return lambda _, __: data


def twice(sns: Any, _: str) -> bytes:
    text = json.dumps(sns.envelope())
    return f'{text[:-1]}, "Message": "another"}}'.encode()


def other_key(sns: Any, _: str) -> Any:
    fields = sns.fields()
    return sns.signed(fields, Signature=type(sns.part.topic.signer)().sign(fields, "1"))


def downgraded(sns: Any, _: str) -> Any:
    return sns.signed(sns.fields(), "2", SignatureVersion="1")


def without_subject(sns: Any, _: str) -> Any:
    """Signed as if there were no subject, which one emulator really does."""
    fields = sns.fields(Subject=None)
    return sns.signed(fields, "2", Subject="asset_bank.media.deleted")


def confirmation_as_notification(sns: Any, _: str) -> Any:
    return {**sns.envelope("SubscriptionConfirmation"), "Type": "Notification"}


def truncated_signature(sns: Any, _: str) -> Any:
    envelope = sns.envelope()
    short = base64.b64decode(envelope["Signature"])[:-1]
    return {**envelope, "Signature": base64.b64encode(short).decode()}


CERTIFICATES: Final[dict[str, str]] = {
    "plain http": f"http://{AMAZON}{PEM}",
    "a listener of ours": "http://{victim}" + PEM,
    "a listener by another name": "http://localhost:{victim}" + PEM,
    "any host": f"https://evil.example{PEM}",
    "look-alike suffix": f"https://{AMAZON}.evil.example{PEM}",
    "look-alike prefix": f"https://evil{AMAZON}{PEM}",
    "look-alike dash": f"https://sns-eu-west-1.amazonaws.com{PEM}",
    "suffix only": f"https://evil.amazonaws.com{PEM}",
    "a bucket by region": f"https://sns.s3-us-west-2.amazonaws.com{PEM}",
    "a bucket": f"https://sns.s3.amazonaws.com{PEM}",
    "the store of buckets": f"https://s3.amazonaws.com/sns{PEM}",
    "a bucket in the region": f"https://sns.s3.eu-west-1.amazonaws.com{PEM}",
    "another region": f"https://sns.us-east-1.amazonaws.com{PEM}",
    "no region": f"https://sns.amazonaws.com{PEM}",
    "another top domain": f"https://sns.eu-west-1.amazonaws.com.de{PEM}",
    "user info": f"https://{AMAZON}@evil.example{PEM}",
    "user info before the right host": f"https://user:secret@{AMAZON}{PEM}",
    "another port": f"https://{AMAZON}:8443{PEM}",
    "a query": f"https://{AMAZON}{PEM}?x=1",
    "a fragment": f"https://{AMAZON}{PEM}#x",
    "a path that climbs": f"https://{AMAZON}/../evil{PEM}",
    "a path before": f"https://{AMAZON}/bucket{PEM}",
    "another file": f"https://{AMAZON}/evil.pem",
    "capital digits": f"https://{AMAZON}/SimpleNotificationService-{'A' * 32}.pem",
    "a backslash": f"https://{AMAZON}\\@evil.example{PEM}",
    "a line break": f"https://{AMAZON}\n{PEM}",
    "trailing line break": f"https://{AMAZON}{PEM}\n",
    "leading space": f" https://{AMAZON}{PEM}",
    "a trailing dot": f"https://{AMAZON}.{PEM}",
    "capitals": f"HTTPS://{AMAZON.upper()}{PEM}",
    "digits that are not ours": f"https://sns.eu-west-\u0661.amazonaws.com{PEM}",
    "letters that look alike": f"https://sns.eu-west-1.amaz\u043enaws.com{PEM}",
    "link-local": f"http://169.254.169.254{PEM}",
    "a file": f"file://{PEM}",
    "another port of the stand-in's host": "http://127.0.0.1:1" + PEM,
    "user info before the stand-in": "http://{sns}@{victim}" + PEM,
    "the stand-in's query": "http://{sns}" + f"{PEM}?x",
    "the stand-in's other path": "http://{sns}/?Action=ConfirmSubscription",
    "empty": "",
}

FORGERIES: Final[dict[str, tuple[int, Forge]]] = {
    **{f"certificate: {name}": (403, certificate(url)) for name, url in CERTIFICATES.items()},
    "certificate: not there": (403, certificate("http://{sns}" + PEM)),
    "changed: message": (403, changed("Message", '{"media_id": "EVIL"}')),
    "changed: subject": (403, changed("Subject", "asset_bank.media.deleted")),
    "changed: subject emptied": (403, changed("Subject", "")),
    "changed: message id": (403, changed("MessageId", "00000000-0000-0000-0000-000000000000")),
    "changed: topic": (403, changed("TopicArn", FOREIGN)),
    "changed: token": (403, changed("Token", "beef" * 16, CONFIRM)),
    "changed: subscribe url": (403, changed("SubscribeURL", "http://evil.example/", CONFIRM)),
    "changed: type": (403, changed("Type", CONFIRM, "UnsubscribeConfirmation")),
    "changed: confirmation as notification": (403, confirmation_as_notification),
    "added: subject": (403, without_subject),
    "signature: of another key": (403, other_key),
    "signature: version 3": (403, changed("SignatureVersion", "3")),
    "signature: no version": (403, changed("SignatureVersion", "")),
    "signature: version as number": (400, changed("SignatureVersion", 1)),
    "signature: downgraded": (403, downgraded),
    "signature: empty": (403, changed("Signature", "")),
    "signature: not Base64": (403, changed("Signature", "\u00e9" * 8)),
    "signature: too short": (403, truncated_signature),
    "replay: two hours old": (403, signed(Timestamp="2020-01-01T00:00:00.000Z")),
    "replay: from the future": (403, signed(Timestamp="2120-01-01T00:00:00.000Z")),
    "timestamp: no zone": (400, signed(Timestamp="2026-11-21T09:15:02.417")),
    "timestamp: no such day": (400, signed(Timestamp="2026-02-30T09:15:02.417Z")),
    "timestamp: other digits": (400, signed(Timestamp="\u0662026-11-21T09:15:02Z")),
    "topic: not approved": (403, signed(TopicArn=FOREIGN)),
    "topic: not approved, asks to be confirmed": (403, signed("SubscriptionConfirmation", TopicArn=FOREIGN)),
    "topic: not approved, names an address": (
        403, signed("SubscriptionConfirmation", TopicArn=FOREIGN, SubscribeURL="http://{victim}/"),
    ),
    "topic: not approved, has ended": (403, signed("UnsubscribeConfirmation", TopicArn=FOREIGN)),
    "topic: of a queue": (400, signed(TopicArn="arn:aws:sqs:eu-west-1:111122223333:queue")),
    "topic: a region that is a host": (400, signed(TopicArn="arn:aws:sns:evil.example/:111122223333:a")),
    "topic: a region that is a bucket": (400, signed(TopicArn="arn:aws:sns:s3-us-west-2:111122223333:a")),
    "missing: type": (400, without("Type")),
    "missing: topic": (400, without("TopicArn")),
    "missing: message": (400, without("Message")),
    "missing: message id": (400, without("MessageId")),
    "missing: signature": (400, without("Signature")),
    "missing: certificate": (400, without("SigningCertURL")),
    "wrong: message is an object": (400, changed("Message", {"media_id": "A"})),
    "wrong: type is a list": (400, changed("Type", ["Notification"])),
    "wrong: type is unknown": (400, changed("Type", "notification")),
    "wrong: a long id": (400, signed(MessageId="a" * 5000)),
    "wrong: empty id": (400, signed(MessageId="")),
    "wrong: half a character": (400, changed("Message", "\ud800")),
    "wrong: NUL": (400, signed(Message="a\x00b")),
    "wrong: a key twice": (400, twice),
    "body: empty": (400, body(b"")),
    "body: raw delivery": (400, body(b'{"media_id": "0A1B2C3D-0000-0000-0000000000000001"}')),
    "body: a list": (400, body(b"[1, 2]")),
    "body: a text": (400, body(b'"Notification"')),
    "body: null": (400, body(b"null")),
    "body: not JSON": (400, body(b"<xml/>")),
    "body: not UTF-8": (400, body(b'{"Type": "\xff"}')),
    "body: UTF-16": (400, body('{"Type": "Notification"}'.encode("utf-16"))),
    "body: no number": (400, body(b'{"Type": NaN}')),
    "bomb: lists": (400, body(b"[" * 500_000)),
    "bomb: objects": (400, body(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)),
    "bomb: after a good beginning": (400, body(b'{"Type": "Notification", "x": ' + b"[" * 900_000)),
    "bomb: digits": (400, body(b'{"Type": ' + b"9" * 900_000 + b"}")),
    "bomb: quotes": (400, body(b'"' * 900_000)),
    "bomb: backslashes": (400, body(b'{"Type": "' + b"\\" * 900_001)),
    "too large": (413, body(b" " * (1024 * 1024 + 1))),
}  # fmt: skip


def test_corpus_when_counted_is_large_enough() -> None:
    assert len(FORGERIES) >= 100


@pytest.mark.parametrize(("status", "forge"), FORGERIES.values(), ids=FORGERIES.keys())
def test_forgery_when_sent_is_refused_and_asks_nobody(
    served: Any, sns: Any, stranger: Any, egress: Any, status: int, forge: Forge
) -> None:
    kept, asked = served.inbox.open_count(), sns.sandbox.world.counts[CONFIRMATIONS]
    answer = served.post(forge(sns, stranger.host))
    assert answer.status_code == status
    assert served.inbox.open_count() == kept
    assert egress.lines == []
    assert stranger.asked == []
    assert sns.sandbox.world.counts[CONFIRMATIONS] == asked
    assert not any(topic.confirmed_at for topic in served.topics.listing("brand"))


def test_certificate_when_it_redirects_is_not_followed(
    served: Any, sns: Any, stranger: Any, egress: Any
) -> None:
    path = f"/SimpleNotificationService-{'e' * 32}.pem"
    there = {"location": f"{stranger.url}{sns.part.topic.certificate_path}"}
    sns.sandbox.world.faults.add(Fault("sns", f"GET {path}", status=302, headers=there))
    answer = served.post(sns.signed(sns.fields(), SigningCertURL=f"http://{sns.host}{path}"))
    assert answer.status_code == 403
    assert (stranger.asked, egress.lines) == ([], [])


def test_confirmation_when_it_names_another_address_goes_where_the_topic_is(
    served: Any, sns: Any, stranger: Any, egress: Any, eventually: Any
) -> None:
    """A signed message of a topic that is let in, with an address of somebody else's in it."""
    fields = sns.fields("SubscriptionConfirmation", SubscribeURL=f"{stranger.url}/metadata")
    assert served.post(sns.signed(fields)).text == "confirmation\n"
    counts = sns.sandbox.world.counts
    eventually(lambda: counts[CONFIRMATIONS] == 1)
    assert (stranger.asked, egress.lines) == ([], [])


def test_replay_when_inside_the_window_is_kept_once(served: Any, sns: Any) -> None:
    envelope = sns.envelope()
    before = served.inbox.open_count("brand")
    answers = {served.post(envelope).status_code for _ in range(5)}
    assert (answers, served.inbox.open_count("brand")) == ({200}, before + 1)
