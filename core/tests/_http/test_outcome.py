"""Requests that must not be repeated: what counts as done, as not done, and as unclear."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from canaries import CANARY

from damlink import OAuth2, Secret
from damlink._http.client import Client
from damlink.errors import AssetRejectedError, AuthError, NotYet, UnclearError

MADE = b'{"id": "a1"}'
PAGE = b"<html>Please wait</html>"


def made(client: Client, **options: Any) -> str:
    """Create something, and return its id."""
    return client.send_once("POST", "/a", read=lambda answer: str(answer.json()["id"]), **options)


def test_once_when_the_answer_brings_what_it_must_returns_it(partner: Client, server: Any) -> None:
    server.then(201, MADE)
    assert made(partner, json={"name": "beach"}) == "a1"
    assert server.asked[0].body == b'{"name":"beach"}'


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize(
    "body",
    [PAGE, b"", b"{}", b"[]", b"null", b'{"id"', b'{"success": false}', b"\xff\xfe"],
    ids=["page", "empty", "object", "list", "null", "half", "failure", "not text"],
)
def test_once_when_a_success_cannot_be_understood_is_unclear(
    partner: Client, server: Any, status: int, body: bytes
) -> None:
    server.always(status, body)
    with pytest.raises(UnclearError, match=f"answered {status} to POST /a, which cannot be understood"):
        made(partner)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 409, 413, 425, 500, 502, 503, 504])
@pytest.mark.parametrize("body", [PAGE, b"", b"{}"], ids=["page", "empty", "object"])
def test_once_when_a_gateway_answers_is_unclear(
    partner: Client, server: Any, status: int, body: bytes
) -> None:
    server.always(status, body)
    with pytest.raises(UnclearError, match=f"answered {status} to POST /a"):
        made(partner)
    assert len(server.asked) == 1


@pytest.mark.parametrize(("status", "error"), [(403, AuthError), (404, AssetRejectedError)])
@pytest.mark.parametrize("names", [(), ("reason", "message")], ids=["any field", "named fields"])
def test_once_when_the_other_side_refuses_was_not_done(
    partner: Client, server: Any, status: int, error: type[Exception], names: tuple[str, ...]
) -> None:
    server.always(status, b'{"message": "no"}')
    with pytest.raises(error, match="no"):
        made(partner, error_fields=names)
    assert len(server.asked) == 1


def test_once_when_a_refusal_has_another_form_than_the_published_is_unclear(
    partner: Client, server: Any
) -> None:
    server.always(404, b'{"message": "no"}')
    with pytest.raises(UnclearError):
        made(partner, error_fields=("ErrorMessage",))


def test_once_when_throttled_is_sent_again(partner: Client, server: Any) -> None:
    server.then(429, PAGE).then(201, MADE)
    assert made(partner) == "a1"


@pytest.mark.parametrize("status", [303, 304, 300])
def test_once_when_redirected_nowhere_is_unclear(partner: Client, server: Any, status: int) -> None:
    server.always(status, MADE)
    with pytest.raises(UnclearError, match="neither yes nor no"):
        made(partner)


def test_once_when_a_status_is_accepted_has_it_read(partner: Client, server: Any) -> None:
    server.always(303, MADE)
    assert made(partner, accept={303}) == "a1"


def test_once_when_the_reader_knows_better_its_word_counts(partner: Client, server: Any) -> None:
    def later(_: httpx.Response) -> None:
        raise NotYet("converting")

    with pytest.raises(NotYet):
        partner.send_once("POST", "/a", read=later)


@pytest.mark.parametrize("status", [302, 307, 308])
@pytest.mark.parametrize("answer", [404, 403, 503], ids=str)
def test_once_when_redirected_to_what_refuses_is_unclear(
    partner: Client, server: Any, status: int, answer: int
) -> None:
    server.then(status, headers={"Location": "/b"}).then(answer, b'{"message": "no Route matched"}')
    with pytest.raises(UnclearError):
        made(partner)
    assert server.lines == ["POST /a", "POST /b"]


def test_once_when_redirected_to_itself_is_not_sent_again(partner: Client, server: Any) -> None:
    server.always(307, headers={"Location": "/a"})
    with pytest.raises(UnclearError, match="in circles"):
        made(partner)
    assert server.lines == ["POST /a"]


def test_once_when_redirected_for_a_slash_takes_the_answer_there_for_clear(
    partner: Client, server: Any
) -> None:
    server.then(301, headers={"Location": "/a/"}).then(404, b'{"message": "no"}')
    with pytest.raises(AssetRejectedError):
        made(partner)


def test_once_when_redirected_to_a_page_elsewhere_is_unclear(
    partner: Client, server: Any, stranger: Any
) -> None:
    server.then(302, headers={"Location": f"{stranger.url}/login"})
    stranger.always(200, PAGE)
    with pytest.raises(UnclearError):
        made(partner)


@pytest.fixture
def signed(partner: Client, server: Any) -> Client:
    """A client that asks for a token when it has none, or its own is refused."""
    token = b'{"access_token": "t", "expires_in": 3600}'
    server.serve(lambda asked: server.reply(200, token if asked.path == "/token" else MADE))
    server.then(200, token)
    partner.sign_with(OAuth2(f"{server.url}/token", "client", Secret(CANARY)))
    return partner


def test_once_when_its_token_is_refused_is_signed_anew(signed: Client, server: Any) -> None:
    server.then(401, b'{"message": "expired"}')
    assert made(signed) == "a1"
    assert server.lines == ["POST /token", "POST /a", "POST /token", "POST /a"]


def test_once_when_a_gateway_refuses_its_token_is_not_sent_again(signed: Client, server: Any) -> None:
    server.then(401, PAGE)
    with pytest.raises(UnclearError, match="answered 401"):
        made(signed)
    assert server.lines == ["POST /token", "POST /a"]


@pytest.mark.parametrize(
    "headers",
    [{"Content-Encoding": "gzip"}, {"Content-Encoding": "br"}, {"Content-Encoding": "gzip, gzip"}],
    ids=["not gzip", "not asked for", "twice"],
)
def test_once_when_the_answer_cannot_be_decoded_is_unclear(
    partner: Client, server: Any, headers: dict[str, str]
) -> None:
    server.always(201, MADE, headers=headers)
    with pytest.raises(UnclearError, match="no answer to POST"):
        made(partner)
    assert len(server.asked) == 1
