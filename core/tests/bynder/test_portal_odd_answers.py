"""Answers of a 200 that are not what a call must bring: no call breaks on one, and no list ends silently."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import httpx
import pytest
from portal_actions import Action, all_actions

from damlink import Portal, Secret
from damlink.bynder._calls import calls_of
from damlink.errors import BynderError, DamlinkError, TransientError

BODIES = {
    "null": b"null",
    "text": b'"text"',
    "number": b"7",
    "list": b"[]",
    "object": b"{}",
    "odd list": b'[null, 3, "x", [], {}]',
    "no UTF-8": b"\xff\xfe{",
    "HTML": b"<html>",
    "nothing": b"",
    "half": b'{"media": [',
    "half a surrogate": b'{"id": "\\ud83d", "name": "\\ud83d"}',
    "no success": b'{"success": false}',
    "a report": b'{"message": "Could not complete", "statuscode": 500}',
    "other types": b'{"media": 7, "count": "x", "id": {"a": 1}, "items": {"a": null}}',
}
FILES = ("uploads.file", "assets.content", "assets.transform")  # they give bytes, or are many calls
EVERY = [each for each in all_actions() if str(each) not in FILES]


NO_RECORDS = ("Content", "bytes", "str")


def reads(action: Action) -> bool:
    """Whether it only reads, and what it reads is a list or a record."""
    calls, returns = calls_of(str(action)), inspect.signature(action.method).return_annotation
    return bool(calls) and all(call.startswith("GET") for call in calls) and returns not in NO_RECORDS


# What is read is not complete where the answer is neither.
# The portal answers `null` to a poll for "nothing is done yet".
READS = [each for each in EVERY if reads(each) and str(each) != "uploads.poll"]
NO_LIST = ("null", "no success", "text", "number", "no UTF-8", "HTML", "nothing", "half")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.jpg").write_bytes(b"x")
    return tmp_path / "a.jpg"


def answering(body: bytes) -> Portal:
    """A portal that answers so, whatever it is asked; without a connection, of which nothing depends here."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    return Portal("https://portal.example", Secret("t"), pace=None, transport=transport)


@pytest.mark.parametrize("action", EVERY, ids=str)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_action_when_the_answer_is_odd_raises_no_error_but_ours(
    hurried: None, file: Path, action: Action, body: bytes
) -> None:
    with answering(body) as portal:
        assert isinstance(outcome(action, portal, file), DamlinkError | None)


def outcome(action: Action, portal: Portal, file: Path) -> Exception | None:
    try:
        action.call(portal, file)
    except Exception as error:  # noqa: BLE001 - which one it is decides the test
        return error
    return None


@pytest.mark.parametrize("action", READS, ids=str)
@pytest.mark.parametrize("body", [BODIES[name] for name in NO_LIST], ids=NO_LIST)
def test_list_when_the_answer_is_none_is_not_taken_for_an_empty_one(
    hurried: None, file: Path, action: Action, body: bytes
) -> None:
    with answering(body) as portal, pytest.raises((TransientError, BynderError)):
        action.call(portal, file)


@pytest.mark.parametrize("action", READS, ids=str)
def test_list_when_the_answer_only_reports_a_failure_is_not_taken_for_one(
    hurried: None, file: Path, action: Action
) -> None:
    with answering(BODIES["a report"]) as portal, pytest.raises((TransientError, BynderError)):
        action.call(portal, file)


def test_list_when_one_page_is_garbage_asks_for_it_again(served: Portal, server: Any) -> None:
    server.then(200, b'[{"id": "1"}]', headers={"X-Bynder-NextCursor": "c"})
    server.then(200, b"<html>").then(200, b"null").then(200, b'[{"id": "2"}]')
    assert [asset.id for asset in served.assets.list(limit=1)] == ["1", "2"]
