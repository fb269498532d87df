"""Answers that are no files: how large they may be, and how long they may take."""

from __future__ import annotations

import contextlib
import gc
import gzip
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scripted_server import Server

from damlink import Secret
from damlink._http.answer import ANSWER_BYTES, ANSWER_SECONDS, AnswerLimits
from damlink._http.bearer import BearerAuth
from damlink._http.client import Client, open_client
from damlink.errors import AssetRejectedError, TransientError, UnclearError
from damlink_sandbox import Fault, Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([]) as running:
        yield running


@pytest.fixture
def opened(sandbox: Sandbox, hurried: None) -> Iterator[Callable[..., Client]]:
    """Open a client of the sandbox's portal with limits of its own."""
    auth = BearerAuth(Secret(sandbox.part("bynder").connector()["token"]))
    with contextlib.ExitStack() as closing:

        def opened_with(**limits: Any) -> Client:
            client = open_client(sandbox.origins["portal"], limits=AnswerLimits(**limits))
            client.sign_with(auth)
            return closing.enter_context(client)

        yield opened_with
    sandbox.world.faults.clear()


def test_limits_when_not_given_are_generous() -> None:
    assert (ANSWER_SECONDS, ANSWER_BYTES) == (120, 64 * 1024 * 1024)
    assert AnswerLimits() == AnswerLimits(ANSWER_SECONDS, ANSWER_BYTES)


@pytest.mark.parametrize(
    ("kind", "limits", "said"),
    [
        pytest.param("drip", {"seconds": 0.05}, "takes longer than 0.05 seconds", id="drip"),
        pytest.param("bomb", {"bytes": 1000}, "larger than 1000 bytes", id="bomb"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "error"),
    [("GET", "/api/v4/brands/", TransientError), ("POST", "/api/upload/init", UnclearError)],
    ids=["GET", "POST"],
)
def test_answer_when_it_has_no_end_is_given_up(
    opened: Any, sandbox: Sandbox, kind: str, limits: Any, said: str, method: str, path: str, error: Any
) -> None:
    sandbox.world.faults.add(Fault("portal", "", kind, times=0, seconds=0.05))
    with pytest.raises(error, match=said):
        opened(**limits).request(method, path, data={"filename": "a.jpg"})


def test_answer_when_more_is_sent_than_announced_does_not_begin_the_next_one(
    opened: Any, sandbox: Sandbox
) -> None:
    sandbox.world.faults.add(Fault("portal", "POST /api/upload/init", "overlong"))
    client = opened()
    client.post("/api/upload/init", data={"filename": "a.jpg"})
    assert client.post("/api/upload/init", data={"filename": "a.jpg"}).json()["multipart_params"]


def test_answer_when_it_is_a_bomb_stays_out_of_memory(opened: Any, sandbox: Sandbox) -> None:
    sandbox.world.faults.add(Fault("portal", "", "bomb"))
    tracemalloc.start()
    with pytest.raises(UnclearError, match="larger than 67108864 bytes"):
        opened().post("/api/upload/init", data={"filename": "a.jpg"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * ANSWER_BYTES


@pytest.mark.parametrize("encodings", ["br", "gzip, gzip", "zstd"])
def test_answer_when_encoded_as_nobody_asked_is_not_decoded(
    partner: Client, server: Any, encodings: str
) -> None:
    body = gzip.compress(gzip.compress(b"{}"))
    server.always(200, body, headers={"Content-Encoding": encodings})
    with pytest.raises(TransientError, match="encoded as"):
        partner.get("/a")


def test_answer_when_compressed_as_asked_is_read(partner: Client, server: Any) -> None:
    server.always(200, gzip.compress(b"sand"), headers={"Content-Encoding": "gzip"})
    assert partner.get("/a").text == "sand"
    assert server.asked[0].headers["accept-encoding"] == "gzip, deflate"


def test_answer_of_a_thousand_assets_with_all_their_items_is_read(partner: Client, server: Any) -> None:
    server.always(200, page := b"[%s]" % b",".join([b'{"id": "%s"}' % (b"x" * 30_000)] * 1000))
    assert partner.get("/a").content == page


def test_error_when_its_body_has_no_end_still_tells_its_status(opened: Any, sandbox: Sandbox) -> None:
    sandbox.world.faults.add(Fault("portal", "", "drip", seconds=0.01))
    with pytest.raises(AssetRejectedError, match="answered 404 to GET /api/nothing$"):
        opened(seconds=0.05).get("/api/nothing")


def test_stream_when_it_is_longer_than_an_answer_may_be_is_not_limited(server: Any, hurried: None) -> None:
    server.always(200, b"x" * 10_000)
    with (
        open_client(server.url, limits=AnswerLimits(bytes=100)) as client,
        client.stream("GET", "/a") as file,
    ):
        assert sum(map(len, file.iter_bytes())) == 10_000


def test_answer_when_it_has_been_read_ends_with_its_last_reference(server: Server, partner: Client) -> None:
    server.always(200, b"{}")
    gc.disable()
    try:
        answers = [weakref.ref(partner.put("/", content=b"part")) for _ in range(3)]
        # The client's last exchange may still be referred to.
        assert [answer() for answer in answers[:2]] == [None, None]
    finally:
        gc.enable()
