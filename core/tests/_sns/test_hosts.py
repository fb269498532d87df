from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damlink._sns.envelope import parse_topic
from damlink._sns.hosts import Hosts

TOPIC = parse_topic("arn:aws:sns:eu-west-1:111122223333:a")
PEM = "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
GOOD = f"https://sns.eu-west-1.amazonaws.com{PEM}"
LOCAL = Hosts(("127.0.0.1:9007", "[::1]:9007"))


@pytest.mark.parametrize(
    ("arn", "url"),
    [
        (TOPIC.arn, GOOD),
        (TOPIC.arn, GOOD.replace(".com/", ".com:443/")),
        (TOPIC.arn, GOOD.replace(".com/", ".com.cn/")),
        ("arn:aws-cn:sns:cn-north-1:111122223333:a", f"https://sns.cn-north-1.amazonaws.com.cn{PEM}"),
        ("arn:aws-us-gov:sns:us-gov-west-1:111122223333:a", f"https://sns.us-gov-west-1.amazonaws.com{PEM}"),
    ],
)
def test_certificate_when_in_the_topics_region_is_allowed(arn: str, url: str) -> None:
    assert Hosts().allows_certificate(url, parse_topic(arn))


edits = st.lists(
    st.tuples(st.integers(0, len(GOOD)), st.integers(0, 12), st.text("s3-.:/@#?\\%\n az0AZ9é", max_size=12)),
    min_size=1,
    max_size=3,
)


@given(edits)
@settings(max_examples=300)
def test_certificate_when_its_address_is_anything_but_these_is_refused(
    changes: list[tuple[int, int, str]],
) -> None:
    url = GOOD
    for start, count, text in changes:
        url = url[:start] + text + url[start + count :]
    if Hosts().allows_certificate(url, TOPIC):
        parts = urlsplit(url)
        assert parts.netloc.removesuffix(":443") in (
            "sns.eu-west-1.amazonaws.com",
            "sns.eu-west-1.amazonaws.com.cn",
        )
        assert (parts.scheme, parts.query, parts.fragment) == ("https", "", "")
        assert parts.path.startswith("/SimpleNotificationService-")
        assert len(parts.path) == len(PEM)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        (f"http://127.0.0.1:9007{PEM}", True),
        (f"https://127.0.0.1:9007{PEM}", True),
        (f"http://[::1]:9007{PEM}", True),
        (f"http://127.0.0.1:9008{PEM}", False),
        (f"http://127.0.0.1{PEM}", False),
        (f"http://127.0.0.1:9007@evil.example{PEM}", False),
        (f"http://localhost:9007{PEM}", False),
        ("http://127.0.0.1:9007/other.pem", False),
        (GOOD, True),
    ],
)
def test_stand_in_when_it_is_configured_is_allowed_besides_amazon(url: str, allowed: bool) -> None:
    assert LOCAL.allows_certificate(url, TOPIC) is allowed


@pytest.mark.parametrize(
    ("arn", "host"),
    [
        (TOPIC.arn, "sns.eu-west-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:111122223333:a", "sns.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_confirmation_when_built_is_of_the_topics_region(arn: str, host: str) -> None:
    url = urlsplit(Hosts().confirmation_url(parse_topic(arn), "a b&TopicArn=evil#x"))
    assert (url.scheme, url.netloc, url.path, url.fragment) == ("https", host, "/", "")
    asked = parse_qs(url.query)
    assert asked == {"Action": ["ConfirmSubscription"], "TopicArn": [arn], "Token": ["a b&TopicArn=evil#x"]}


def test_confirmation_when_there_is_a_stand_in_goes_there() -> None:
    assert LOCAL.confirmation_url(TOPIC, "t").startswith("http://127.0.0.1:9007/?Action=ConfirmSubscription&")
