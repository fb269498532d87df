from __future__ import annotations

import itertools
import json
import urllib.parse
from typing import Any

import pytest
from scripted_server import Asked, Reply

from damlink import Portal
from damlink._upload.conversions import MOST_IN_ONE_POLL, Conversions, ConversionState

NAMES = {
    ConversionState.DONE: "itemsDone",
    ConversionState.FAILED: "itemsFailed",
    ConversionState.REJECTED: "itemsRejected",
}


def answer(server: Any, **lists: list[str]) -> None:
    server.always(200, json.dumps(lists).encode())


def all_done(asked: Asked) -> Reply:
    ids = urllib.parse.parse_qs(urllib.parse.urlsplit(asked.path).query)["items"][0].split(",")
    return Reply(body=json.dumps({"itemsDone": ids}).encode())


@pytest.mark.parametrize("state", NAMES)
def test_state_when_the_portal_lists_the_import_is_of_that_list(
    served: Portal, server: Any, state: ConversionState
) -> None:
    answer(server, **{NAMES[state]: ["I1"]})
    assert Conversions(served.uploads).state("I1") is state


def test_state_when_another_import_was_polled_just_now_sends_no_request(served: Portal, server: Any) -> None:
    answer(server)
    conversions = Conversions(served.uploads)
    states = [conversions.state(each) for each in ("I1", "I2")]
    assert (states, len(server.asked)) == ([ConversionState.CONVERTING] * 2, 1)


def test_state_when_a_poll_has_answered_several_needs_no_other(served: Portal, server: Any) -> None:
    answer(server, itemsDone=["I1", "I2"])
    conversions = Conversions(served.uploads)
    states = [conversions.state(each) for each in ("I1", "I2")]
    assert (states, len(server.asked)) == ([ConversionState.DONE] * 2, 1)


def test_pause_when_a_poll_brings_no_news_grows_to_a_limit(served: Portal, server: Any) -> None:
    answer(server)
    conversions = Conversions(served.uploads)
    before = conversions.pause_seconds
    conversions.state("I1")
    assert before < conversions.pause_seconds < 2 * before


def test_state_when_its_caller_does_nothing_else_is_polled_at_once_and_then_after_a_pause(
    served: Portal, server: Any
) -> None:
    answer(server)
    conversions = Conversions(served.uploads)
    for import_id in ("I1", "I2", "I2"):
        conversions.state(import_id, at_once=True)
    assert len(server.asked) == 2


def test_state_when_another_thread_polls_does_not_wait_for_it(served: Portal, server: Any) -> None:
    conversions = Conversions(served.uploads)
    meanwhile = []

    def poll(_asked: Asked) -> Reply:
        meanwhile.append(conversions.state("I2"))
        return Reply(body=b"{}")

    server.handler = poll
    conversions.state("I1")
    assert meanwhile == [ConversionState.CONVERTING]


@pytest.mark.parametrize("seconds_between", [0.01, 0.03, 0.08])
def test_polls_when_many_uploads_follow_each_other_are_at_most_one_for_ten(
    served: Portal, server: Any, seconds_between: float
) -> None:
    server.handler = all_done
    clock = itertools.count(step=seconds_between / 4)
    conversions = Conversions(served.uploads, lambda: next(clock))
    for number in range(500):
        conversions.state(f"I{number}")
    assert len(server.asked) <= 50


def test_poll_has_a_limit_of_ids_that_an_address_can_hold() -> None:
    assert MOST_IN_ONE_POLL * len("F40B3E7B-A3C4-4A2C-8F5D-1D2D3D4D5D6D,") < 4096
