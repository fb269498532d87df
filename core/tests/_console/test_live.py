"""Streams of changes, at the wire and without a server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from loopback import until

from damlink._console import live
from damlink._console.cookies import COOKIE
from damlink._console.live import MOST_OF_SESSION, Live, Marks
from damlink._console.pages import LIVE_PAGES
from damlink._console.server import Console
from damlink._state.console_tables import console_access
from damlink._state.runs import Runs

STREAM = {"Accept": "text/event-stream"}


@pytest.fixture(scope="module")
def client(shown: Any) -> Iterator[httpx.Client]:
    """A client whose streams are read piece by piece."""
    own = {COOKIE: shown.client.cookies[COOKIE]}
    with httpx.Client(base_url=shown.url, cookies=own, trust_env=False, timeout=60) as client:
        yield client


@contextmanager
def streamed(client: httpx.Client, path: str, **headers: str) -> Iterator[Iterator[str]]:
    """A stream, as its lines."""
    with client.stream("GET", path, headers=STREAM | headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield answer.iter_lines()


def read_event(lines: Iterator[str]) -> dict[str, str]:
    """Return the fields of the next event."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if not line and "event" in fields:
            break
        fields[name] = value
    return fields


def seen_of(shown: Any, connector: str) -> str:
    return str(shown.json(f"/live?connector={connector}")["seen"])


def change(shown: Any, connector: str = "stock") -> None:
    runs = Runs(shown.session.database, connector)
    runs.end(runs.begin(1), 0, {})


@pytest.mark.parametrize("connector", ["", "stock"], ids=["all", "one"])
def test_stream_when_a_run_goes_on_says_so_with_the_new_digest(
    shown: Any, client: httpx.Client, connector: str
) -> None:
    with streamed(client, f"/live?connector={connector}&seen={seen_of(shown, connector)}") as lines:
        assert next(lines).startswith("retry: ")
        change(shown)
        event = read_event(lines)
    assert (event["event"], event["id"]) == ("changed", seen_of(shown, connector))


def test_stream_when_resumed_after_a_change_says_it_at_once(shown: Any, client: httpx.Client) -> None:
    before = seen_of(shown, "stock")
    change(shown)
    with streamed(client, "/live?connector=stock&seen=old", **{"Last-Event-ID": before}) as lines:
        assert read_event(lines)["id"] == seen_of(shown, "stock")


def test_stream_when_resumed_without_a_change_waits_for_the_next(shown: Any, client: httpx.Client) -> None:
    before = seen_of(shown, "stock")
    with streamed(client, "/live?connector=stock&seen=old", **{"Last-Event-ID": before}) as lines:
        next(lines)
        change(shown, "shelf")
        change(shown)
        assert read_event(lines)["id"] == seen_of(shown, "stock") != before


def test_stream_when_there_is_no_session_ends_for_good(shown: Any) -> None:
    answer = httpx.get(f"{shown.url}/live", headers=STREAM, trust_env=False)
    assert read_event(iter(answer.text.splitlines()))["event"] == "ended"
    assert "the session has ended" in answer.text


def test_stream_when_a_session_has_too_many_ends_the_oldest(shown: Any, client: httpx.Client) -> None:
    with ExitStack() as stack:
        oldest, *_ = [
            stack.enter_context(streamed(client, f"/live?seen={seen_of(shown, '')}"))
            for _ in range(MOST_OF_SESSION + 1)
        ]
        assert "too many pages are open" in read_event(oldest)["data"]


@pytest.mark.parametrize(
    ("path", "headers", "is_use"),
    [
        ("/live", {}, False),
        ("/connector?connector=stock", {"HX-Request": "true"}, False),
        ("/connector?connector=stock", {}, True),
    ],
    ids=["stream", "update", "page"],
)
def test_session_when_only_its_page_updates_is_not_kept_from_its_idle_end(
    shown: Any, path: str, headers: dict[str, str], is_use: bool
) -> None:
    secret = shown.console.sessions._access.begin("")
    before = shown.session.database.now() - timedelta(minutes=2)
    with shown.session.database.write() as connection:
        connection.execute(sa.update(console_access).values(used_at=before))
    own = {"Cookie": f"{COOKIE}={secret}", **headers}
    assert httpx.get(f"{shown.url}{path}", headers=own, trust_env=False).status_code == 200
    with shown.session.database.read() as connection:
        times = connection.execute(sa.select(console_access.c.used_at)).scalars().all()
    assert (max(times) > before) is is_use


def test_server_when_stopped_ends_its_streams_first(shown: Any) -> None:
    addresses: list[str] = []
    console = Console(shown.session, on_listening=addresses.append)
    thread = threading.Thread(target=console.run, args=("127.0.0.1", 0))
    thread.start()
    until(lambda: addresses)
    origin = str(httpx.URL(addresses[0]).copy_with(raw_path=b"/"))
    with httpx.Client(base_url=origin, trust_env=False, timeout=60) as client:
        client.get(addresses[0])
        with streamed(client, "/live") as lines:
            next(lines)
            console.stop()
            # It is ended, and not cut off.
            assert "event: ended" not in list(lines)
    thread.join(60)
    assert not thread.is_alive()


# --- without a server ------------------------------------------------------------------------------


class Changing:
    """Digests that change with each look, and count the looks."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> Marks:
        self.looks += 1
        return Marks(self.looks)


async def _read(stream: Any, count: int) -> list[str]:
    found = []
    async for text in stream:
        found.append(text)
        if len(found) == count:
            break
    await stream.aclose()
    return found


def test_streams_when_many_share_one_reader() -> None:
    read = Changing()

    async def follow() -> list[list[str]]:
        told = Live(read, look_seconds=0.01)
        return await asyncio.gather(*(_read(told.follow(str(number), "", ""), 4) for number in range(3)))

    found = asyncio.run(follow())
    assert [len(texts) for texts in found] == [4, 4, 4]
    assert read.looks <= 6


def test_stream_when_it_begins_is_told_nothing_that_was_read_before() -> None:
    newest = 0

    def read() -> Marks:
        return Marks(newest)

    async def follow() -> str:
        nonlocal newest
        own = Live(read, look_seconds=0.05)
        first = own.follow("a", "", Marks(1).of(""))
        await anext(first)
        await anext(first)
        # What the reader knows is older than what the browser of the second stream has.
        newest = 1
        second = own.follow("b", "", Marks(1).of(""))
        await anext(second)
        news = asyncio.ensure_future(anext(second))
        await anext(first)
        newest = 2
        told = await news
        for each in (first, second):
            await each.aclose()
        return told

    assert Marks(2).of("") in asyncio.run(follow())


def test_reader_when_the_last_stream_has_ended_reads_no_more() -> None:
    read = Changing()

    async def follow() -> None:
        own = Live(read, look_seconds=0.01)
        await _read(own.follow("a", "", ""), 2)
        assert own._reader is not None
        await own._reader

    asyncio.run(follow())
    assert read.looks <= 2


def test_stream_when_very_many_are_open_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS", 0)
    (text,) = asyncio.run(_read(Live(Changing()).follow("a", "", ""), 2))
    assert text.startswith("event: ended\n")


def test_stream_when_its_life_is_over_ends_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LIFE_SECONDS", 0.0)
    assert asyncio.run(_read(Live(Changing()).follow("a", "", ""), 9)) == ["retry: 2000\n\n"]


def test_stream_when_nothing_changes_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.01)
    beats = asyncio.run(_read(Live(Marks).follow("a", "", Marks().of("")), 3))[1:]
    assert beats == [": still there\n\n"] * 2


@pytest.mark.parametrize("path", LIVE_PAGES)
def test_page_when_it_updates_itself_names_regions_that_it_has(shown: Any, path: str) -> None:
    page = shown.client.get(path, params={"connector": "stock"}, headers={"Accept": "text/html"}).text
    regions = page.partition('hx-select-oob="')[2].partition('"')[0].split(", ")
    assert [each for each in regions if f'id="{each.removeprefix("#")}"' not in page] == []
