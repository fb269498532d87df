"""What `damlink check` finds out about a portal's queue of events."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from queues import Filled, standing_in

from damlink._config.edit import document
from damlink._config.load import loads
from damlink._model import Finding
from damlink._run.check import check_queue
from damlink._run.session import Session


@pytest.fixture(scope="module")
def amazon() -> Iterator[str]:
    with standing_in() as address:
        yield address


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Finding]]:
    """Check the queue of a portal, if the address is not empty."""
    # Of this machine's person nothing counts.
    monkeypatch.setenv("HOME", str(tmp_path))

    def check(url: str) -> list[Finding]:
        portal = {"url": "http://127.0.0.1:9", "token": {"env": "TOKEN"}, "event_queue": url}
        config = loads(document({"portals": {"brand": portal}}), tmp_path / "damlink.toml")
        with Session(config, keeps=False) as session:
            return list(check_queue(session, "brand"))

    return check


def test_check_when_the_queue_answers_says_how_much_waits(
    amazon: str, check: Callable[[str], list[Finding]]
) -> None:
    with contextlib.closing(Filled(amazon, "waiting")) as queue:
        queue.send("a", "b")
        (found,) = check(queue.url)
        assert (found.what, found.ok) == ("queue", True)
        assert "2 messages wait in it, 0 are hidden" in found.detail
        assert queue.left == (2, 0)


def test_check_when_there_is_no_queue_finds_nothing(check: Callable[[str], list[Finding]]) -> None:
    assert check("") == []


def test_check_when_the_queue_is_missing_names_the_setting(
    amazon: str, check: Callable[[str], list[Finding]]
) -> None:
    (found,) = check(f"{amazon}/123456789012/gone")
    assert found.error
    assert (found.error.exit_code, "correct event_queue" in found.detail) == (1, True)


def test_check_when_there_are_no_credentials_says_how_to_give_them(
    amazon: str, check: Callable[[str], list[Finding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (found,) = check(f"{amazon}/123456789012/any")
    assert found.error
    assert (found.error.exit_code, "AWS_ACCESS_KEY_ID" in found.detail) == (4, True)


def test_check_when_boto3_is_missing_names_the_extra(
    check: Callable[[str], list[Finding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    (found,) = check("https://sqs.eu-west-1.amazonaws.com/1/events")
    assert found.error
    assert found.error.exit_code == 3
    assert found.detail.endswith("event_queue: needs boto3; pip install 'damlink[sqs]'")


def test_check_when_nothing_listens_can_succeed_later(
    amazon: str, check: Callable[[str], list[Finding]]
) -> None:
    (found,) = check("http://127.0.0.1:9/1/events")
    assert found.error
    assert (found.error.exit_code, "verify event_queue and the network" in found.detail) == (1, True)


def test_config_when_the_queue_is_fifo_is_refused(check: Callable[[str], list[Finding]]) -> None:
    with pytest.raises(Exception, match="must be a standard queue"):
        check("https://sqs.eu-west-1.amazonaws.com/1/events.fifo")
