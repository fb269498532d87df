from __future__ import annotations

import copy
import json
import logging
import pickle

import attrs
import pytest
from canaries import CANARY

from damlink import Secret


@attrs.frozen
class Holder:
    name: str
    secret: Secret


@pytest.mark.parametrize(
    "shown",
    [str, repr, "{}".format, "%s".__mod__, lambda secret: repr([secret]), lambda s: repr(Holder("a", s))],
    ids=["str", "repr", "format", "percent", "in a list", "in a record"],
)
def test_secret_when_shown_is_redacted(shown: object) -> None:
    text = shown(Secret(CANARY))  # type: ignore[operator]
    assert CANARY not in text
    assert "**redacted**" in text


def test_secret_when_logged_is_redacted(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("damlink.test").warning("key %s", Secret(CANARY))
    assert caplog.messages == ["key **redacted**"]


def test_secret_when_revealed_is_itself() -> None:
    assert Secret(CANARY).reveal() == CANARY


def test_secret_when_compared_is_equal_by_value_and_never_to_text() -> None:
    assert Secret("a") == Secret("a")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a") != "a"
    assert hash(Secret("a")) != hash("a")


def test_secret_when_empty_is_false() -> None:
    assert not Secret("")
    assert Secret("a")


def test_secret_when_written_as_json_is_refused() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps({"key": Secret(CANARY)})


def test_secret_when_copied_stays_closed() -> None:
    copied = copy.deepcopy(Secret(CANARY))
    assert (copied.reveal(), str(copied)) == (CANARY, "**redacted**")
    assert pickle.loads(pickle.dumps(Secret("a"))).reveal() == "a"
