"""Parts that are sent to S3, some at the same time."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import httpx
import pytest
from made_contents import make_content, make_session

from damlink import Content
from damlink._upload.buffered_parts import BUFFERED_AT_ONCE, BUFFERS
from damlink._upload.part_sender import send_parts
from damlink._upload.part_sizes import PartSizes
from damlink._upload.session import UploadSession
from damlink._upload.source import SourceFailureError
from damlink._upload.streamed_parts import STREAMED_AT_ONCE
from damlink._upload.transports import S3Transport
from damlink.bynder import Portal
from damlink.bynder.resources.s3 import PartTooLargeError, StorageRefusedError
from damlink.errors import TransientError


@attrs.frozen
class S3Sender:
    """Sends parts the way uploads by S3 do."""

    transport: S3Transport
    report: Callable[[int], None]

    def send_all(self, data: Content, at: UploadSession, register: Callable[[Any], None]) -> None:
        send_parts(
            self.transport.parts(data, at),
            lambda part: self.transport.send(at, part, self.report),
            register,
            missing=at.parts - len(at.digests),
        )


@pytest.fixture
def sender(hurried: None) -> Iterator[Callable[..., S3Sender]]:
    with Portal("http://127.0.0.1:1", httpx.Auth(), pace=None) as portal:
        yield lambda report=lambda _: None: S3Sender(S3Transport(portal.uploads, PartSizes()), report)


DATA = b"0123456789" * 3


def test_send_parts_when_parts_land_out_of_order_registers_them_in_order(
    server: Any, sender: Callable[..., S3Sender]
) -> None:
    second_landed = threading.Event()

    def answer(asked: Any) -> Any:
        if b"k/p1\r\n" in asked.body:
            assert second_landed.wait(60)
        else:
            second_landed.set()
        return server.reply(201)

    server.serve(answer)
    arrived: list[int] = []
    registered: list[int] = []
    at = make_session(len(DATA), 8, endpoint=server.url)
    sender(arrived.append).send_all(make_content(DATA), at, lambda part: registered.append(part.number))
    assert registered == [1, 2, 3, 4]
    assert sorted(arrived) == [6, 8, 8, 8]


def test_send_parts_when_a_part_leaves_carries_what_the_portal_demands(
    server: Any, sender: Callable[..., S3Sender]
) -> None:
    at = make_session(10, 10, endpoint=server.url)
    at.fields = {"key": "folder/file", "Policy": "p0licy"}
    sender().send_all(make_content(b"0123456789"), at, at.register)
    (asked,) = server.asked
    fields = [b'name="key"\r\n\r\nfolder/file/p1\r\n', b'name="Filename"\r\n\r\nfolder/file/p1\r\n']
    fields += [
        b'name="chunk"\r\n\r\n1\r\n',
        b'name="chunks"\r\n\r\n1\r\n',
        b'name="Policy"\r\n\r\np0licy\r\n',
    ]
    fields += [b'name="name"\r\n\r\nbeach.bin\r\n', b"\r\n\r\n0123456789\r\n"]
    assert [field for field in fields if field not in asked.body] == []
    assert asked.body.index(b'name="file"') > max(map(asked.body.index, fields[:6]))
    assert "authorization" not in asked.headers


def test_send_parts_when_a_part_is_not_taken_at_first_sends_it_again_whole(
    server: Any, sender: Callable[..., S3Sender]
) -> None:
    server.then(503).then(cut=-1)
    at = make_session(10, 10, endpoint=server.url)
    sender().send_all(make_content(b"0123456789"), at, at.register)
    assert len(server.asked) == 3
    assert all(b"0123456789" in asked.body for asked in server.asked)
    assert at.crc32 == zlib.crc32(b"0123456789")


S3_ANSWERS = {
    "RequestTimeout": (400, "RequestTimeout", 5),
    "IncompleteBody": (400, "IncompleteBody", 5),
    "SlowDown": (503, "SlowDown", 5),
    "OperationAborted": (409, "OperationAborted", 5),
    "a proxy's 403": (403, "", 5),
    "a proxy's 400": (400, "", 5),
    "a redirect to nowhere": (307, "TemporaryRedirect", 5),
    "AccessDenied": (403, "AccessDenied", 1),
    "ExpiredToken": (400, "ExpiredToken", 1),
    "EntityTooLarge": (400, "EntityTooLarge", 1),
    "a proxy's 413": (413, "", 1),
    "a code that is not known": (400, "Whatever", 1),
}


@pytest.mark.parametrize(("status", "code", "tries"), S3_ANSWERS.values(), ids=S3_ANSWERS)
def test_send_parts_when_s3_refuses_a_part_goes_by_its_code(
    server: Any, sender: Callable[..., S3Sender], status: int, code: str, tries: int
) -> None:
    body = f"<Error><Code>{code}</Code><Message>why</Message></Error>" if code else "<html>no</html>"
    server.always(status, body.encode())
    at = make_session(10, 10, endpoint=server.url)
    with pytest.raises(TransientError, match=f"S3 answered {status} {code}") as refusal:
        sender().send_all(make_content(b"0123456789"), at, at.register)
    assert isinstance(refusal.value, StorageRefusedError) == (tries == 1)
    assert len(server.asked) == tries


def test_send_parts_when_it_fails_again_and_again_gives_its_memory_back(
    server: Any, sender: Callable[..., S3Sender]
) -> None:
    """More failures than there are buffers: if any kept one, the last would wait for ever."""
    at = make_session(len(DATA), 8, endpoint=server.url)
    own = sender()
    server.always(403, b"<Error><Code>AccessDenied</Code></Error>")
    for _ in range(2 * BUFFERS):
        with pytest.raises(StorageRefusedError):
            own.send_all(make_content(DATA), at, at.register)
    server.always(201)
    own.send_all(make_content(DATA), at, at.register)
    assert len(at.digests) == 4


@pytest.mark.parametrize(("status", "code"), [(400, "EntityTooLarge"), (413, "")], ids=["S3", "a proxy"])
def test_send_parts_when_a_part_is_too_large_says_so(
    server: Any, sender: Callable[..., S3Sender], status: int, code: str
) -> None:
    server.always(status, f"<Error><Code>{code}</Code></Error>".encode() if code else b"no")
    at = make_session(10, 10, endpoint=server.url)
    with pytest.raises(PartTooLargeError, match=f"S3 answered {status}"):
        sender().send_all(make_content(b"0123456789"), at, at.register)


@pytest.mark.parametrize(
    ("validator", "at_once"),
    [(None, BUFFERED_AT_ONCE), ("v", STREAMED_AT_ONCE)],
    ids=["buffered", "streamed"],
)
def test_send_parts_when_there_are_many_has_as_many_in_flight_as_it_may(
    server: Any, sender: Callable[..., S3Sender], validator: str | None, at_once: int
) -> None:
    lock, meeting, flying, most = threading.Lock(), threading.Barrier(at_once), 0, 0

    def answer(_: Any) -> Any:
        nonlocal flying, most
        with lock:
            flying += 1
            most = max(most, flying)
        meeting.wait(60)
        with lock:
            flying -= 1
        return server.reply(201)

    server.serve(answer)
    at = make_session(5 * at_once, 1, endpoint=server.url)
    sender().send_all(make_content(bytes(at.size), validator=validator), at, at.register)
    assert (len(at.digests), most) == (at.parts, at_once)


def test_send_parts_when_a_streamed_part_is_lost_reads_it_again(
    server: Any, sender: Callable[..., S3Sender]
) -> None:
    opened: list[int] = []

    def open_at(offset: int) -> list[bytes]:
        opened.append(offset)
        return [DATA[offset:]]

    server.then(503)
    at = make_session(len(DATA), 15, endpoint=server.url)
    reported: list[int] = []
    sender(reported.append).send_all(Content("beach.bin", open_at, len(DATA), validator="v"), at, at.register)
    assert sorted(opened) in ([0, 0, 15], [0, 15, 15])
    assert (at.crc32, sum(reported)) == (zlib.crc32(DATA), len(DATA))


def test_send_parts_when_one_is_refused_registers_those_before_it_only(
    server: Any, sender: Callable[..., S3Sender]
) -> None:
    refusal = b"<Error><Code>AccessDenied</Code></Error>"
    server.serve(lambda asked: server.reply(403, refusal) if b"k/p2\r\n" in asked.body else server.reply(201))
    at = make_session(len(DATA), 8, endpoint=server.url)
    with pytest.raises(StorageRefusedError):
        sender().send_all(make_content(DATA, validator="v"), at, at.register)
    assert len(at.digests) == 1


def test_send_parts_when_the_source_fails_registers_those_before_it(
    server: Any, sender: Callable[..., S3Sender]
) -> None:
    def open_at(offset: int) -> Iterator[bytes]:
        if offset == 16:
            raise OSError("of the source")
        yield DATA[offset:]

    server.always(201)
    at = make_session(len(DATA), 8, endpoint=server.url)
    with pytest.raises(SourceFailureError):
        sender().send_all(Content("beach.bin", open_at, len(DATA), validator="v"), at, at.register)
    assert len(at.digests) == 2


def test_send_parts_when_one_is_missing_sends_it_in_this_thread(
    server: Any, sender: Callable[..., S3Sender]
) -> None:
    threads: list[threading.Thread] = []
    server.always(201)
    at = make_session(10, 10, endpoint=server.url)
    sender(lambda _: threads.append(threading.current_thread())).send_all(
        make_content(b"0123456789"), at, at.register
    )
    assert threads == [threading.current_thread()]
