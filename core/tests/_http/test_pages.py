"""Pages of a list are read one by one, and a thing that is being made is asked for until it is there."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from scripted_server import Asked, Reply, Server

from damlink import Backoff, Client, NotYet, read_pages, wait_for
from damlink._http.client import open_client
from damlink.errors import StoppedError, TransientError

Following = Callable[[httpx.Response], Any]


def rows(server: Server, asked: Asked) -> Reply:
    """Three pages of a list, with every way to the next one."""
    query = httpx.URL(f"http://a{asked.path}").params
    number = int(query.get("page") or query.get("cursor") or int(query.get("offset", "0")) // 2 + 1)
    following = f"/rows?page={number + 1}&size=2"
    body = {
        "rows": [number * 2 - 1, number * 2] if number <= 3 else [],
        "next": number + 1 if number < 3 else None,
        "link": following if number < 3 else "",
    }
    link = {"Link": f'<{following}>; rel="next"'} if number < 3 else {}
    return server.reply(200, json.dumps(body).encode(), {"Content-Type": "application/json", **link})


def by_number(response: httpx.Response) -> Any:
    return {"page": int(response.url.params["page"]) + 1} if response.json()["rows"] else None


def by_offset(response: httpx.Response) -> Any:
    return {"offset": int(response.url.params["offset"]) + 2} if response.json()["rows"] else None


def by_cursor(response: httpx.Response) -> Any:
    return {"cursor": following} if (following := response.json()["next"]) else None


def by_address(response: httpx.Response) -> Any:
    return response.json()["link"]


@pytest.mark.parametrize(
    ("params", "options", "last"),
    [
        ({"size": 2}, {}, "/rows?page=3&size=2"),
        ({"size": 2, "page": 1}, {"following": by_number}, "/rows?size=2&page=4"),
        ({"size": 2, "offset": 0}, {"following": by_offset}, "/rows?size=2&offset=6"),
        ({"size": 2}, {"following": by_cursor}, "/rows?size=2&cursor=3"),
        ({"size": 2}, {"following": by_address}, "/rows?page=3&size=2"),
    ],
    ids=["link", "number", "offset", "cursor", "address"],
)
def test_pages_when_read_have_every_row_once(
    server: Server, partner: Client, params: Any, options: Any, last: str
) -> None:
    server.serve(lambda asked: rows(server, asked))
    pages = read_pages(partner, "/rows", params, **options)
    found = [row for page in pages for row in page.json()["rows"]]
    assert (found, server.asked[-1].path) == ([1, 2, 3, 4, 5, 6], last)


def test_pages_when_the_first_is_used_have_asked_for_no_other(server: Server, partner: Client) -> None:
    server.serve(lambda asked: rows(server, asked))
    next(read_pages(partner, "/rows"))
    assert server.lines == ["GET /rows"]


def test_pages_when_a_server_is_down_for_a_moment_go_on(server: Server, partner: Client) -> None:
    server.serve(lambda asked: rows(server, asked))
    server.then(503)
    assert len(list(read_pages(partner, "/rows"))) == 3


def test_pages_when_they_lead_back_end_with_an_error(server: Server, partner: Client) -> None:
    server.always(200, b"{}", headers={"Link": '</rows?page=2>; rel="next"'})
    with pytest.raises(TransientError, match="/rows go in circles"):
        list(read_pages(partner, "/rows"))
    assert server.lines == ["GET /rows", "GET /rows?page=2"]


def asking(partner: Client) -> Callable[[], Any]:
    return lambda: partner.get("/job").json().get("file")


class Hurried:
    """A client whose pauses take no time."""

    def __init__(self) -> None:
        self.made: list[float] = []

    def pause(self, seconds: float) -> None:
        self.made.append(seconds)


def test_wait_when_it_is_ready_in_the_end_returns_it(server: Server, partner: Client) -> None:
    pauses: Any = Hurried()
    server.then(200, b"{}").then(200, b"{}").always(200, b'{"file": "a.jpg"}')
    assert wait_for(pauses, asking(partner), "the conversion") == "a.jpg"
    assert (len(server.asked), pauses.made) == (3, [1.0, 2.0])


def test_wait_when_it_is_never_ready_ends_so_that_the_asset_waits(server: Server, partner: Client) -> None:
    pauses: Any = Hurried()
    server.always(200, b"{}")
    with pytest.raises(NotYet, match="waiting for the conversion") as caught:
        wait_for(pauses, asking(partner), "the conversion", seconds=20, backoff=Backoff(3, 8))
    assert (pauses.made, caught.value.retry_after) == ([3, 6, 8, 3], 8)


def test_wait_when_the_run_stops_ends(server: Server) -> None:
    server.always(200, b"{}")
    stop = itertools.chain(itertools.repeat(None, 3), itertools.repeat(StoppedError("stopped")))

    def verify() -> None:
        if (error := next(stop)) is not None:
            raise error

    with open_client(server.url, verify_before_send=verify) as client, pytest.raises(StoppedError):
        wait_for(client, asking(client), "the conversion", backoff=Backoff(60, 60))


def test_wait_when_the_answer_is_an_error_raises_it(server: Server, partner: Client) -> None:
    server.always(503)
    with pytest.raises(TransientError):
        wait_for(partner, asking(partner), "the conversion")
