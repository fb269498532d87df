from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from damlink import Portal
from damlink._http.retry import Terms
from damlink.errors import BynderAuthError, BynderError, ConnectorError, TransientError, UnclearError

# --- what is sent ----------------------------------------------------------------------------------


def test_request_when_sent_is_signed_and_gives_status_headers_and_json(served: Portal, server: Any) -> None:
    server.then(201, b'{"id": "1"}', headers={"X-Pagination-Page": "2"})
    answer = served.raw.request("post", "/api/v4/things")
    assert (answer.status, answer.body, answer.headers["x-pagination-page"]) == (201, {"id": "1"}, "2")
    assert server.lines == ["POST /api/v4/things"]
    assert server.asked[0].headers["authorization"] == "Bearer the-token"


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        (["io=a=b", "io=c", "flag"], [("io", "a=b"), ("io", "c"), ("flag", "")]),
        ({"ids": ["1", "2"], "total": True}, [("ids", "1"), ("ids", "2"), ("total", "true")]),
        (None, []),
    ],
    ids=["list", "mapping", "none"],
)
def test_query_when_given_is_added_to_that_of_the_path(
    served: Portal, server: Any, query: Any, pairs: list[tuple[str, str]]
) -> None:
    server.always(200, b"[]")
    served.raw.request("GET", "/api/x?page=2", query=query)
    sent = parse_qsl(urlsplit(server.asked[0].path).query, keep_blank_values=True)
    assert sorted(sent) == sorted([("page", "2"), *pairs])


def test_json_when_given_is_sent_as_json(served: Portal, server: Any) -> None:
    server.always(200, b"{}")
    served.raw.request("PUT", "/api/x", json=[{"a": 1}], headers={"X-Own": "yes"})
    (asked,) = server.asked
    assert (asked.headers["content-type"], json.loads(asked.body)) == ("application/json", [{"a": 1}])
    assert asked.headers["x-own"] == "yes"


def test_form_when_given_is_urlencoded_unless_it_is_to_be_multipart(served: Portal, server: Any) -> None:
    server.always(200, b"{}")
    served.raw.request("POST", "/api/x", form={"name": "a b", "ids": ["1", "2"]})
    served.raw.request("POST", "/api/x", form={"name": "a b", "ids": ["1", "2"]}, multipart=True)
    plain, parts = server.asked
    assert plain.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(plain.body.decode()) == [("name", "a b"), ("ids", "1"), ("ids", "2")]
    assert parts.headers["content-type"].startswith("multipart/form-data")
    assert (parts.body.count(b'name="ids"'), parts.body.count(b"filename")) == (2, 0)


def test_files_when_given_keep_their_names_or_get_others(served: Portal, server: Any, tmp_path: Path) -> None:
    server.always(200, b"{}")
    (tmp_path / "kept.txt").write_bytes(b"first")
    (tmp_path / "old.txt").write_bytes(b"second")
    files = {"one": tmp_path / "kept.txt", "two": tmp_path / "old.txt"}
    served.raw.request("POST", "/x", form={"a": "b"}, files=files, filenames={"two": "new.bin"})
    body = server.asked[0].body
    assert b'name="a"\r\n\r\nb' in body
    assert b'name="one"; filename="kept.txt"\r\nContent-Type: text/plain\r\n\r\nfirst' in body
    assert b'name="two"; filename="new.bin"' in body
    assert b"second" in body


def test_files_when_several_have_one_name_are_all_sent(served: Portal, server: Any, tmp_path: Path) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    paths[0].write_bytes(b"first")
    paths[1].write_bytes(b"second")
    server.always(200, b"{}")
    served.raw.request(
        "POST", "/x", form={"c": ["1", "2"]}, files={"f": paths}, filenames={"f": ["one", "two"]}
    )
    body = server.asked[0].body
    assert body.count(b'name="c"') == 2
    assert re.findall(rb'name="f"; filename="(\w+)"\r\n.*\r\n\r\n(\w+)', body) == [
        (b"one", b"first"),
        (b"two", b"second"),
    ]


def test_body_file_when_the_request_is_repeated_is_sent_whole_each_time(
    served: Portal, server: Any, tmp_path: Path
) -> None:
    (tmp_path / "body").write_bytes(b"\x00\xff" * 400_000)
    server.then(503).then(200, b"{}")
    headers = {"Content-Type": "image/jpeg"}
    served.raw.request("POST", "/x", body_file=tmp_path / "body", headers=headers, max_retries=1)
    assert [asked.body for asked in server.asked] == [b"\x00\xff" * 400_000] * 2
    assert server.asked[1].headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"filenames": {"one": "a"}}, "a file name is given for one, and no file"),
        ({"json": {}, "body": "x"}, "one content, not json and body"),
        ({"json": {}, "form": {"a": "b"}}, "one content, not json and form"),
        ({"files": {"one": Path("/no/such/file")}}, "cannot read /no/such/file"),
        ({"body_file": Path("/no/such/file")}, "cannot read /no/such/file"),
        ({"body_file": Path("/dev/null"), "body": b"x"}, "one content, not body and body file"),
        ({"files": {"a": [Path("/dev/null")]}, "filenames": {"a": ["x", "y"]}}, "1 files and 2 file names"),
    ],
)
def test_request_when_its_arguments_do_not_fit_sends_nothing(
    served: Portal, server: Any, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(BynderError, match=said):
        served.raw.request("POST", "/x", **arguments)
    assert server.asked == []


# --- what comes back -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "body", "read"),
    [
        ("json", b"", None),
        ("json", b" 3 ", 3),
        ("text", b"caf\xc3\xa9", "café"),
        ("bytes", b"\x00\xff", b"\x00\xff"),
    ],
)
def test_answer_when_read_is_of_the_kind_asked_for(
    served: Portal, server: Any, kind: Any, body: bytes, read: Any
) -> None:
    server.then(200, body, headers={"Content-Type": "text/plain; charset=utf-8"})
    assert served.raw.request("GET", "/x", response=kind).body == read


def test_answer_when_it_is_no_json_says_what_to_ask_for(served: Portal, server: Any) -> None:
    server.then(200, b"<html>")
    with pytest.raises(BynderError, match="answered 200 without JSON; ask for the answer as text or bytes"):
        served.raw.request("GET", "/x")


def test_answer_when_it_is_no_json_to_a_post_may_have_happened(served: Portal, server: Any) -> None:
    server.then(200, b"<html>")
    with pytest.raises(UnclearError, match="without JSON: the POST may or may not have been carried out"):
        served.raw.request("POST", "/x")


@pytest.mark.parametrize(("status", "error"), [(404, BynderError), (403, BynderAuthError)])
def test_refusal_when_it_comes_is_raised_with_its_status(
    served: Portal, server: Any, status: int, error: type[ConnectorError]
) -> None:
    server.then(status, b'{"message": "no"}')
    with pytest.raises(error) as caught:
        served.raw.request("GET", "/x")
    assert caught.value.status == status


# --- where the token goes --------------------------------------------------------------------------


def test_token_when_the_address_is_of_another_host_stays_at_home(
    served: Portal, server: Any, stranger: Any
) -> None:
    stranger.then(200, b"1")
    assert served.raw.request("GET", f"{stranger.url}/x").body == 1
    assert "authorization" not in stranger.asked[0].headers
    assert server.asked == []


def test_token_when_the_whole_address_is_the_portals_own_is_sent(served: Portal, server: Any) -> None:
    server.then(200, b"1")
    served.raw.request("GET", f"{server.url}/x")
    assert server.asked[0].headers["authorization"] == "Bearer the-token"


def test_token_when_redirected_to_another_host_is_dropped(served: Portal, server: Any, stranger: Any) -> None:
    server.then(302, headers={"Location": f"{stranger.url}/file"})
    stranger.then(200, b"1")
    served.raw.request("POST", "/x", json={"secret": 1}, headers={"X-Own": "yes"})
    (asked,) = stranger.asked
    assert (asked.method, asked.body) == ("GET", b"")
    assert not {"authorization", "x-own"} & asked.headers.keys()


# --- how often it is sent --------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
@pytest.mark.parametrize(
    ("status", "terms", "sends"),
    [
        (503, {}, 1),
        (503, {"max_retries": 2}, 3),
        (404, {"max_retries": 2}, 1),
        (429, {"max_retries": 2}, 1),
        (404, {"max_retries": 2, "retry_on_all_errors": True}, 3),
        (429, {"max_retries": 2, "retry_on_all_errors": True}, 3),
    ],
    ids=["as it is", "5xx", "4xx", "429", "4xx, all errors", "429, all errors"],
)
def test_refusal_when_it_repeats_is_tried_as_often_as_said(
    served: Portal, server: Any, method: str, status: int, terms: dict[str, Any], sends: int
) -> None:
    server.serve(lambda _: server.reply(status))
    with pytest.raises(ConnectorError):
        _send(served, method, **terms)
    assert len(server.asked) == sends


def _send(portal: Portal, method: str, **terms: Any) -> Any:
    return portal.raw.request(method, "/x", **terms)


def test_connection_when_it_breaks_is_taken_up_again_as_often_as_said(served: Portal, server: Any) -> None:
    server.then(200, b"{}", cut=-1).then(200, b"{}", cut=-1).then(200, b'"there"')
    assert served.raw.request("POST", "/x", max_retries=2).body == "there"


def test_connection_when_it_breaks_and_nothing_is_said_leaves_it_unclear(served: Portal, server: Any) -> None:
    server.always(200, b"{}", cut=-1)
    with pytest.raises(UnclearError):
        served.raw.request("POST", "/x")
    assert len(server.asked) == 1


def test_answer_when_it_takes_longer_than_the_timeout_is_not_waited_for(
    served: Portal, server: Any, eventually: Callable[..., Any]
) -> None:
    held = threading.Event()
    server.serve(lambda _: (held.wait(60), server.reply(200))[1])
    try:
        with pytest.raises(TransientError, match="no whole answer"):
            served.raw.request("GET", "/x", timeout=0.05)
        eventually(lambda: server.asked)
    finally:
        held.set()
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_when_it_is_longer_than_the_delay_is_waited_for(status: int) -> None:
    error = TransientError("busy", status=status, retry_after=30.0)
    assert Terms(delay_seconds=7.0).pause_seconds(1, error) == 30.0
    assert Terms(delay_seconds=60.0).pause_seconds(1, error) == 60.0


def test_terms_when_exponential_ignore_the_fixed_delay() -> None:
    fixed = Terms(delay_seconds=7.0)
    doubling = Terms(delay_seconds=7.0, exponential=True)
    assert [fixed.pause_seconds(attempt) for attempt in (1, 2, 3)] == [7.0] * 3
    assert [0.5 * 2**n / 2 <= doubling.pause_seconds(n) <= 0.5 * 2**n for n in range(1, 7)] == [True] * 6
    assert doubling.pause_seconds(30) <= 60.0
