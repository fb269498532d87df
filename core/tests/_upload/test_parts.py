from __future__ import annotations

import functools
import hashlib
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from damlink import Content
from damlink._content import UnprovenOffsetError
from damlink._http.client import Client
from damlink._upload.parts import (
    BUFFERS,
    MOST_PARTS,
    PART_BYTES,
    PARTS_AT_ONCE,
    ChangedContentError,
    PartSender,
    UploadSession,
    part_size,
    read_parts,
)
from damlink._upload.source import SourceFailureError
from damlink._upload.transports import S3Transport
from damlink.bynder import Portal
from damlink.bynder.resources.s3 import StorageRefusedError
from damlink.errors import BynderAuthError, BynderError, TransientError, UnavailableError, UnclearError

SIZES = st.integers(1, 12)


def session(size: int, part_bytes: int = 4, **fields: Any) -> UploadSession:
    own = {"upload_id": "u", "target_id": "t", "s3_filename": "k", "endpoint": "", "fields": {"key": "k"}}
    return UploadSession(**own, filename="beach.bin", size=size, part_bytes=part_bytes, **fields)


def content(data: bytes, pieces: list[int] | None = None, validator: str | None = None) -> Content:
    """The data in pieces of these sizes, the last size again and again; notes where it was opened."""

    def opened(offset: int) -> Iterator[bytes]:
        sizes = iter(pieces or [])
        size = len(data) or 1
        while offset < len(data):
            size = next(sizes, size)
            yield data[offset : offset + size]
            offset += size

    return Content("beach.bin", opened, len(data), validator=validator)


def read(given: Content, at: UploadSession, most: int = MOST_PARTS) -> list[tuple[int, bytes]]:
    """Read at most so many parts and have each registered."""
    came: list[tuple[int, bytes]] = []
    parts = read_parts(given, at)
    for part in parts if most else ():
        came.append((part.number, bytes(part.data)))
        part.release()
        at.register(part)
        if len(came) == most:
            break
    parts.close()  # type: ignore[attr-defined]
    return came


@given(st.binary(min_size=1, max_size=60), SIZES, st.lists(SIZES, max_size=6))
def test_read_parts_when_the_bytes_come_in_any_pieces_cuts_them_alike(
    data: bytes, part_bytes: int, pieces: list[int]
) -> None:
    at = session(len(data), part_bytes)
    came = read(content(data, pieces), at)
    cut = [data[start : start + part_bytes] for start in range(0, len(data), part_bytes)]
    assert came == list(enumerate(cut, start=1))
    assert at.crc32 == zlib.crc32(data)
    assert at.digests == [hashlib.blake2b(piece, digest_size=8).hexdigest() for piece in cut]


@given(st.binary(min_size=1, max_size=60), SIZES, st.lists(SIZES, max_size=6), st.data(), st.booleans())
def test_read_parts_when_resumed_anywhere_sends_the_rest_with_the_same_checksum(
    data: bytes, part_bytes: int, pieces: list[int], draw: st.DataObject, vouched: bool
) -> None:
    validator = '"v"' if vouched else None
    at = session(len(data), part_bytes, validator=validator)
    before = read(content(data, pieces, validator), at, draw.draw(st.integers(0, at.parts), label="sent"))
    at = UploadSession(**attrs.asdict(at))  # as it comes back from a checkpoint
    after = read(content(data, pieces[::-1], validator), at)
    assert b"".join(part for _, part in before + after) == data
    assert [number for number, _ in before + after] == list(range(1, at.parts + 1))
    assert at.crc32 == zlib.crc32(data)


@given(st.binary(min_size=8, max_size=60), st.data())
def test_read_parts_when_what_was_sent_has_changed_says_so(data: bytes, draw: st.DataObject) -> None:
    at = session(len(data))
    sent = draw.draw(st.integers(1, at.parts - 1), label="sent")
    read(content(data), at, sent)
    where = draw.draw(st.integers(0, sent * 4 - 1), label="where")
    changed = data[:where] + bytes([data[where] ^ 1]) + data[where + 1 :]
    with pytest.raises(ChangedContentError, match="beach.bin changed at its source during the upload"):
        read(content(changed), at)


@given(st.binary(max_size=40), st.integers(1, 40))
def test_read_parts_when_the_size_is_another_never_ends_well(data: bytes, size: int) -> None:
    assume(len(data) != size)
    with pytest.raises(ChangedContentError, match=f"beach.bin does not have the announced {size} bytes"):
        read(content(data), session(size))


def test_read_parts_when_vouched_for_opens_where_it_stopped() -> None:
    opened: list[int] = []
    given_content = Content(
        "a", lambda offset: (opened.append(offset), b"0123456789"[offset:])[1:], 10, validator="v"
    )
    at = session(10, validator="v")
    read(given_content, at, 2)
    read(given_content, at)
    assert opened == [0, 8]


@pytest.mark.parametrize("validator", [None, '"other"'], ids=["none", "another"])
def test_read_parts_when_not_vouched_for_reads_again_from_the_beginning(validator: str | None) -> None:
    opened: list[int] = []
    given_content = Content(
        "a", lambda offset: (opened.append(offset), b"0123456789"[offset:])[1:], 10, validator=validator
    )
    at = session(10, validator='"v"' if validator else None)
    read(given_content, at, 2)
    read(given_content, at)
    assert opened == [0, 0]


def test_read_parts_when_everything_is_registered_asks_for_nothing(partner: Client, server: Any) -> None:
    server.serve(
        lambda asked: server.reply(416 if "range" in asked.headers else 200, b"0123456789", {"ETag": '"v"'})
    )
    given_content = Content.from_url(partner, f"{server.url}/beach.bin")
    at = session(10, validator='"v"')
    assert len(read(given_content, at)) == 3
    assert read(given_content, at) == []


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (1, PART_BYTES),
        (PART_BYTES * MOST_PARTS, PART_BYTES),
        (PART_BYTES * MOST_PARTS + 1, PART_BYTES + 1),
        (5 * 10**12, 5 * 10**8),
    ],
)
def test_part_size_when_the_file_is_large_stays_within_the_most_parts(size: int, expected: int) -> None:
    assert part_size(size) == expected
    assert -(-size // part_size(size)) <= MOST_PARTS
    assert part_size(size) >= 5 * 1024 * 1024  # of S3, for every part but the last


@pytest.mark.parametrize(
    ("size", "filename", "fits"),
    [(10, "beach.bin", True), (11, "beach.bin", False), (10, "sea.jpg", False), (None, "beach.bin", False)],
)
def test_session_when_the_content_is_another_does_not_fit(size: Any, filename: str, fits: bool) -> None:
    assert session(10).fits(Content(filename, lambda _: [], size)) is fits


# --- sending ---------------------------------------------------------------------------------------


@attrs.frozen
class S3Sender:
    """Sends parts the way uploads by S3 do."""

    flow: S3Transport
    sender: PartSender

    def send_all(self, data: Content, at: UploadSession, register: Callable[[Any], None]) -> None:
        self.sender.send_all(self.flow.parts(data, at), functools.partial(self.flow.send, at), register)


@pytest.fixture
def sender(hurried: None) -> Iterator[Callable[..., S3Sender]]:
    with Portal("http://127.0.0.1:1", httpx.Auth()) as portal:
        made: list[PartSender] = []
        flow = S3Transport(portal.uploads)

        def make(on_bytes: Callable[[int], None] = lambda _: None) -> S3Sender:
            made.append(PartSender(on_bytes))
            return S3Sender(flow, made[-1])

        yield make
        for each in made:
            each.close()


DATA = b"0123456789" * 3


def test_send_all_when_parts_land_out_of_order_registers_them_in_order(
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
    at = attrs.evolve(session(len(DATA), 8), endpoint=server.url)
    sender(arrived.append).send_all(content(DATA), at, lambda part: registered.append(part.number))
    assert registered == [1, 2, 3, 4]
    assert sorted(arrived) == [6, 8, 8, 8]


def test_send_all_when_a_part_leaves_carries_what_the_portal_demands(
    server: Any, sender: Callable[..., S3Sender]
) -> None:
    at = attrs.evolve(session(10, 10), endpoint=server.url)
    at.fields = {"key": "folder/file", "Policy": "p0licy"}
    sender().send_all(content(b"0123456789"), at, at.register)
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


def test_send_all_when_a_part_is_not_taken_at_first_sends_it_again_whole(
    server: Any, sender: Callable[..., S3Sender]
) -> None:
    server.then(503).then(cut=-1)
    at = attrs.evolve(session(10, 10), endpoint=server.url)
    sender().send_all(content(b"0123456789"), at, at.register)
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
    "a code that is not known": (400, "Whatever", 1),
}


@pytest.mark.parametrize(("status", "code", "tries"), S3_ANSWERS.values(), ids=S3_ANSWERS)
def test_send_all_when_s3_refuses_a_part_goes_by_its_code(
    server: Any, sender: Callable[..., S3Sender], status: int, code: str, tries: int
) -> None:
    body = f"<Error><Code>{code}</Code><Message>why</Message></Error>" if code else "<html>no</html>"
    server.always(status, body.encode())
    at = attrs.evolve(session(10, 10), endpoint=server.url)
    with pytest.raises(TransientError, match=f"S3 answered {status} {code}") as refusal:
        sender().send_all(content(b"0123456789"), at, at.register)
    assert isinstance(refusal.value, StorageRefusedError) == (tries == 1)
    assert len(server.asked) == tries


@pytest.mark.parametrize(
    "error",
    [
        UnavailableError("403 of the source", status=403),
        TransientError("503 of the source", status=503),
        BynderError("404 of the source", status=404),
        BynderAuthError("401 of the source", status=401),
        UnclearError("of the source"),
        OSError("of the source"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("begun", [0, 2], ids=["at its beginning", "on resume"])
def test_read_parts_when_the_source_fails_says_whose_error_it_is(error: Exception, begun: int) -> None:
    def opened(offset: int) -> Iterator[bytes]:
        yield bytes(4)
        raise error

    at = session(12, validator="v")
    at.digests = ["0"] * begun
    with pytest.raises(SourceFailureError) as failure:
        [part.release() for part in read_parts(Content("a", opened, 12, validator="v"), at)]
    assert failure.value.cause is error


def test_read_parts_when_the_offset_is_unproven_compares_from_the_beginning() -> None:
    def opened(offset: int) -> Iterator[bytes]:
        if offset:
            raise UnprovenOffsetError("nothing proves it")
        yield b"0123456789"

    given_content = Content("a", opened, 10, validator="v")
    at = session(10, validator="v")
    read(Content("a", lambda _: [b"0123456789"], 10, validator="v"), at, 2)
    assert read(given_content, at) == [(3, b"89")]


def test_send_all_when_it_fails_again_and_again_gives_its_memory_back(
    server: Any, sender: Callable[..., S3Sender]
) -> None:
    """More failures than there are buffers: if any kept one, the last would wait for ever."""
    at = attrs.evolve(session(len(DATA), 8), endpoint=server.url)
    own = sender()
    server.always(403, b"<Error><Code>AccessDenied</Code></Error>")
    for _ in range(2 * BUFFERS):
        with pytest.raises(StorageRefusedError):
            own.send_all(content(DATA), at, at.register)
    server.always(201)
    own.send_all(content(DATA), at, at.register)
    assert len(at.digests) == 4


def test_send_all_when_there_are_many_parts_has_as_many_in_flight_as_it_may(
    server: Any, sender: Callable[..., S3Sender]
) -> None:
    lock, meeting, flying, most = threading.Lock(), threading.Barrier(PARTS_AT_ONCE), 0, 0

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
    at = attrs.evolve(session(5 * PARTS_AT_ONCE, 1), endpoint=server.url)
    sender().send_all(content(bytes(at.size)), at, at.register)
    assert (len(at.digests), most) == (at.parts, PARTS_AT_ONCE)
