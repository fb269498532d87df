from __future__ import annotations

import email.utils
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from canaries import CANARY
from ports import free_port

from damlink import Secret, __version__
from damlink._http.bearer import BearerAuth
from damlink._http.client import Client, open_client
from damlink._http.status import partner_error, retry_after
from damlink.errors import (
    AssetRejectedError,
    AuthError,
    LeaseLostError,
    NotYet,
    TransientError,
    UnavailableError,
    UnclearError,
)

# --- what is repeated ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_repeatable_when_refused_for_now_is_sent_again(
    partner: Client, server: Any, method: str, status: int
) -> None:
    server.serve(lambda _: server.reply(200))
    server.then(status).then(status)
    assert partner.request(method, "/a").status_code == 200
    assert server.lines == [f"{method} /a"] * 3


@pytest.mark.parametrize("cut", [-1, 2], ids=["no answer", "half an answer"])
def test_get_when_the_answer_breaks_off_is_sent_again(partner: Client, server: Any, cut: int) -> None:
    server.then(200, b"sand", cut=cut).then(200, b"sand")
    assert partner.get("/a").content == b"sand"
    assert len(server.asked) == 2


def test_get_when_it_never_works_is_tried_five_times(partner: Client, server: Any) -> None:
    server.always(503, b"  closed\n today ")
    with pytest.raises(TransientError) as caught:
        partner.get("/a/b?key=1")
    assert len(server.asked) == 5
    assert str(caught.value) == "127.0.0.1 answered 503 to GET /a/b: closed today"
    assert (caught.value.status, caught.value.body) == (503, "closed today")


def test_error_when_a_request_failed_names_it_without_its_query(partner: Client, server: Any) -> None:
    server.always(404, headers={"X-Request-Id": "r-1"})
    with pytest.raises(AssetRejectedError) as caught:
        partner.get("/a/b?key=1")
    named = {"method": "GET", "route": "127.0.0.1/a/b", "status": 404, "request_id": "r-1"}
    assert caught.value.request == named


def test_error_when_another_host_failed_leaves_out_its_path(
    partner: Client, server: Any, stranger: Any
) -> None:
    stranger.always(404)
    with pytest.raises(UnavailableError) as caught:
        partner.get(f"{stranger.url}/secret/b")
    assert caught.value.request == {"method": "GET", "route": "127.0.0.1/…", "status": 404}


def test_get_when_throttled_is_more_patient_than_when_it_fails(partner: Client, server: Any) -> None:
    server.always(429, headers={"Retry-After": "3600"})
    with pytest.raises(TransientError) as caught:
        partner.get("/a")
    assert len(server.asked) == 12
    assert caught.value.retry_after == 3600


@pytest.mark.parametrize("status", [400, 401, 404, 408, 425, 500, 502, 503, 504])
def test_post_when_the_answer_is_an_error_is_unclear_and_sent_once(
    partner: Client, server: Any, status: int
) -> None:
    server.always(status, b"oops")
    with pytest.raises(UnclearError, match=f"answered {status} to POST /a: oops"):
        partner.post("/a", json={})
    assert len(server.asked) == 1


@pytest.mark.parametrize("cut", [-1, 2], ids=["no answer", "half an answer"])
def test_post_when_the_answer_breaks_off_is_unclear_and_sent_once(
    partner: Client, server: Any, cut: int
) -> None:
    server.always(200, b"sand", cut=cut)
    with pytest.raises(UnclearError, match=r"^no answer to POST 127.0.0.1:\d+: "):
        partner.post("/a", content=b"x")
    assert len(server.asked) == 1


def test_post_when_throttled_is_sent_again_whole(partner: Client, server: Any) -> None:
    server.then(429)
    assert partner.post("/a", data={"name": "beach"}).status_code == 200
    assert [asked.body for asked in server.asked] == [b"name=beach"] * 2


@pytest.mark.parametrize("failure", [{"status": 500}, {"cut": -1}], ids=["500", "no answer"])
def test_post_when_idempotent_is_sent_again_whole(
    partner: Client, server: Any, failure: dict[str, int]
) -> None:
    server.then(**failure)
    files = {"file": ("a.jpg", b"sand")}
    assert partner.post("/a", files=files, idempotent=True).status_code == 200
    first, second = (asked.body for asked in server.asked)
    assert first == second
    assert b"sand" in first


def test_post_when_a_refusal_is_accepted_is_an_answer_with_its_whole_body(
    partner: Client, server: Any
) -> None:
    server.always(409, body := b'{"message": "%s"}' % (b"x" * 1000))
    assert partner.post("/a", accept={409}).content == body
    with pytest.raises(AssetRejectedError):
        partner.post("/a", accept={422})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_request_when_nobody_listens_was_not_sent_and_says_where(
    hurried: None, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    caplog.set_level("DEBUG", "damlink.http")
    client = open_client(f"http://127.0.0.1:{port}")
    expected = f"^cannot reach 127.0.0.1:{port}: .*; check the address in the config, and the network"
    with client, pytest.raises(TransientError, match=expected):
        client.request(method, "/a")
    assert caplog.text.count("no answer") == 5


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), (" 0 ", 0.0), ("", None), ("soon", None), ("-1", None), ("1.5", None)],
)
def test_retry_after_when_in_seconds_is_read(text: str, seconds: float | None) -> None:
    assert retry_after(httpx.Response(429, headers={"Retry-After": text})) == seconds


def test_retry_after_when_a_date_is_counted_from_now() -> None:
    later = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    earlier = email.utils.format_datetime(datetime.now(UTC) - timedelta(seconds=100), usegmt=True)
    assert 95 < (retry_after(httpx.Response(429, headers={"Retry-After": later})) or 0) <= 100
    assert retry_after(httpx.Response(429, headers={"Retry-After": earlier})) == 0


# --- what an answer means --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, AssetRejectedError),
        (401, AuthError),
        (403, AuthError),
        (404, AssetRejectedError),
        (410, AssetRejectedError),
        (422, AssetRejectedError),
    ],
)
def test_answer_of_the_partner_when_refused_is_raised_and_sent_once(
    partner: Client, server: Any, status: int, error: type[Exception]
) -> None:
    server.always(status, b'{"message": "no"}')
    for method in ("GET", "POST"):
        with pytest.raises(error, match=f'^127.0.0.1 answered {status} to {method} /a: {{"message": "no"}}'):
            partner.request(method, "/a")
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_answer_of_a_stranger_when_refused_tells_nothing_of_the_asset(
    partner: Client, server: Any, stranger: Any, status: int
) -> None:
    stranger.always(status, b"signature expired")
    with pytest.raises(UnavailableError) as caught:
        partner.get(f"{stranger.url}/key-to-a-file")
    assert len(stranger.asked) == 1
    assert str(caught.value) == f"127.0.0.1 answered {status} to GET"


@pytest.mark.parametrize(("method", "error", "sent"), [("GET", TransientError, 5), ("POST", UnclearError, 1)])
def test_answer_of_a_stranger_when_broken_is_judged_by_the_method(
    partner: Client, stranger: Any, method: str, error: type[Exception], sent: int
) -> None:
    stranger.always(500)
    with pytest.raises(error):
        partner.request(method, stranger.url)
    assert len(stranger.asked) == sent


@pytest.mark.parametrize("status", [200, 201, 204, 304])
def test_answer_when_below_400_is_returned(partner: Client, server: Any, status: int) -> None:
    server.always(status)
    assert partner.get("/a").status_code == status


def test_error_when_the_answer_is_long_is_shortened_to_one_line() -> None:
    request = httpx.Request("GET", "https://api.example/a")
    response = httpx.Response(400, text="word\n" * 100, request=request)
    error = partner_error(response, True)
    assert error is not None
    assert len(error.body) == 200
    assert error.body.endswith("…")
    assert "\n" not in str(error)


def test_error_of_a_download_when_its_body_breaks_off_still_tells_the_status(
    partner: Client, server: Any
) -> None:
    server.always(404, b"not here", cut=3)
    with pytest.raises(AssetRejectedError, match="answered 404 to GET /a$"), partner.stream("GET", "/a"):
        raise AssertionError("it must not be entered")
    assert len(server.asked) == 1


# --- where requests go, and what they carry --------------------------------------------------------


@pytest.fixture
def signed(partner: Client) -> Client:
    partner.sign_with(BearerAuth(Secret(CANARY)))
    return partner


def test_request_when_of_our_origin_is_signed_and_named(signed: Client, server: Any) -> None:
    signed.get("/a")
    signed.get(f"{server.url}/b")
    assert [asked.headers["authorization"] for asked in server.asked] == [f"Bearer {CANARY}"] * 2
    assert server.asked[0].headers["user-agent"] == f"damlink/{__version__}"


def test_request_when_of_another_origin_is_never_signed(signed: Client, server: Any, stranger: Any) -> None:
    signed.get(f"{stranger.url}/a")
    server.then(302, headers={"Location": f"{stranger.url}/b"})
    signed.get("/a", headers={"X-Api-Key": "k3y", "Range": "bytes=1-"})
    assert stranger.lines == ["GET /a", "GET /b"]
    assert all("authorization" not in asked.headers for asked in stranger.asked)
    assert "x-api-key" not in stranger.asked[1].headers
    assert stranger.asked[1].headers["range"] == "bytes=1-"


def test_request_when_the_base_address_is_empty_goes_unsigned(server: Any, hurried: None) -> None:
    with open_client("") as client:
        client.sign_with(BearerAuth(Secret(CANARY)))
        client.get(f"{server.url}/a")
    assert "authorization" not in server.asked[0].headers


def test_redirect_when_within_our_origin_keeps_signature(signed: Client, server: Any) -> None:
    server.then(301, headers={"Location": "/b"})
    assert signed.get("/a").status_code == 200
    assert server.lines == ["GET /a", "GET /b"]
    assert server.asked[1].headers["authorization"] == f"Bearer {CANARY}"


@pytest.mark.parametrize(
    ("status", "line", "body"),
    [
        (303, "GET /b", b""),
        (307, "POST /b", b"name=x"),
        (308, "POST /b", b"name=x"),
        (302, "POST /b", b"name=x"),
    ],
)
def test_redirect_of_a_post_when_within_our_origin_keeps_it_unless_it_is_303(
    partner: Client, server: Any, status: int, line: str, body: bytes
) -> None:
    server.then(status, headers={"Location": "/b"})
    partner.post("/a", data={"name": "x"})
    assert server.lines == ["POST /a", line]
    assert server.asked[1].body == body


def test_redirect_of_a_post_when_to_another_origin_carries_no_body(
    partner: Client, server: Any, stranger: Any
) -> None:
    server.then(307, headers={"Location": stranger.url})
    partner.post("/a", data={"password": CANARY})
    assert stranger.lines == ["GET /"]
    assert stranger.asked[0].body == b""


def test_redirect_when_without_a_location_is_the_answer(partner: Client, server: Any) -> None:
    server.then(303)
    assert partner.post("/a").status_code == 303


def test_redirect_when_in_circles_ends(partner: Client, server: Any) -> None:
    server.always(302, headers={"Location": "/a"})
    with pytest.raises(TransientError, match="127.0.0.1 redirects in circles"):
        partner.get("/a")
    assert len(server.asked) == 10


def test_verify_when_given_is_asked_before_every_send(server: Any, hurried: None) -> None:
    asked: list[int] = []
    server.then(503).then(302, headers={"Location": "/b"})
    with open_client(server.url, verify_before_send=lambda: asked.append(len(server.asked))) as client:
        client.get("/a")
    assert asked == [0, 1, 2]


def test_verify_when_it_raises_nothing_is_sent(server: Any) -> None:
    def lost() -> None:
        raise LeaseLostError("another run has taken over")

    with open_client(server.url, verify_before_send=lost) as client, pytest.raises(LeaseLostError):
        client.post("/a")
    assert server.asked == []


def test_proxy_when_the_environment_names_one_is_used(
    server: Any, hurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with open_client("http://partner.invalid") as client:
        client.get("/a")
        client.get(f"{server.url}/direct")
    assert server.lines == ["GET http://partner.invalid/a", "GET /direct"]


# --- what else it tells ----------------------------------------------------------------------------


def test_remote_now_when_an_answer_is_dated_follows_it(partner: Client, server: Any) -> None:
    assert abs(partner.remote_now() - datetime.now(UTC)) < timedelta(seconds=5)
    ahead = email.utils.format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    server.then(200, headers={"Date": ahead}).then(200, headers={"Date": "nonsense"})
    partner.get("/a")
    partner.get("/a")
    assert timedelta(minutes=59) < partner.remote_now() - datetime.now(UTC) < timedelta(minutes=61)


def test_log_when_requests_leave_holds_no_secret_and_no_key_to_a_file(
    signed: Client, server: Any, stranger: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="damlink.http")
    signed.get("/assets?token=t0ken")
    other = stranger.url.replace("127.0.0.1", "localhost")
    signed.get(f"{other}/signed-path?signature=abc")
    ours, theirs = caplog.messages
    assert ours.startswith("GET 127.0.0.1/assets 200 ")
    assert theirs.startswith("GET localhost/… 200 ")
    assert not any(secret in caplog.text for secret in (CANARY, "t0ken", "signed-path", "abc"))


def test_rate_when_limited_spaces_the_requests_of_our_host(server: Any, stranger: Any) -> None:
    other = stranger.url.replace("127.0.0.1", "localhost")
    with open_client(server.url, requests_per_second=50) as client:
        for _ in range(6):
            client.get("/a")
            client.get(f"{other}/b")
    times = [asked.at for asked in server.asked]
    assert times[-1] - times[0] >= 5 / 50 * 0.8  # the first may have taken a while to arrive
    assert len(stranger.asked) == 6


def test_client_when_many_threads_use_it_serves_them_all(partner: Client, server: Any) -> None:
    server.serve(lambda asked: server.reply(200, asked.path.encode()))
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda number: partner.get(f"/{number}").text, range(64)))
    assert texts == [f"/{number}" for number in range(64)]


# --- what is held back -----------------------------------------------------------------------------


def hold_back() -> None:
    raise NotYet("stock is disabled")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_request_that_may_change_something_when_held_back_never_leaves(
    partner: Client, server: Any, method: str
) -> None:
    partner.guard_effects(hold_back)
    with pytest.raises(NotYet, match="disabled"):
        partner.request(method, "/a")
    assert server.asked == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_request_that_changes_nothing_when_others_are_held_back_is_sent(
    partner: Client, server: Any, method: str
) -> None:
    partner.guard_effects(hold_back)
    server.then(200)
    assert partner.request(method, "/a").status_code == 200


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_method_when_a_refusal_is_accepted_returns_it(partner: Client, server: Any, method: str) -> None:
    server.always(404, b"gone")
    send = getattr(partner, method)
    assert send("/a", accept={404}).content == b"gone"
    with pytest.raises(AssetRejectedError):
        send("/a", accept={410})
