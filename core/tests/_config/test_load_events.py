from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from damlink._config.edit import document
from damlink._config.load import loads
from damlink._config.tables import PortalConfig
from damlink.errors import ConfigError

PORTAL = {"url": "https://brand.bynder.com", "token": {"env": "TOKEN"}}


def portal(**settings: Any) -> PortalConfig:
    text = document({"portals": {"brand": PORTAL | settings}})
    return loads(text, Path("damlink.toml")).portals["brand"].unopened


def test_portal_when_unopened_needs_no_secret() -> None:
    assert portal(event_hosts=["127.0.0.1:9007", "localhost:1", "[::1]:9"]).event_sha256_only is False


@pytest.mark.parametrize(
    "host",
    ["evil.example", "10.0.0.1:9007", "127.0.0.1:9007/x", "127.0.0.1.evil.example", "a@127.0.0.1:1", ""],
)
def test_event_hosts_when_not_on_loopback_are_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="event_hosts: .* is not on loopback"):
        portal(event_hosts=[host])


@pytest.mark.parametrize("arn", ["", "portal-events", "arn:aws:sqs:eu-west-1:111122223333:a"])
def test_event_topics_when_no_arn_are_refused(arn: str) -> None:
    with pytest.raises(ConfigError, match="event_topics: .* is not the ARN of an SNS topic"):
        portal(event_topics=[arn])


@pytest.mark.parametrize(
    ("serve", "error"),
    [
        ({"port": 70000}, "port must be at least 0"),
        ({"public_url": "http://events.example"}, "public_url must begin with https://"),
        ({"public_url": "http://127.0.0.1.evil.example"}, "public_url must begin with https://"),
        ({"prot": 1}, "did you mean 'port'"),
    ],
    ids=str,
)
def test_serve_when_wrong_says_where(serve: dict[str, Any], error: str) -> None:
    with pytest.raises(ConfigError, match=f"^damlink.toml: serve.*{error}"):
        loads(document({"serve": serve}), Path("damlink.toml"))
