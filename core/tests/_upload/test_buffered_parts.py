from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_contents import cut_parts, make_content, make_session

from damlink import Content
from damlink._content import UnprovenOffsetError
from damlink._http.client import Client
from damlink._upload.buffered_parts import read_parts
from damlink._upload.part_sizes import MOST_PARTS
from damlink._upload.parts import ChangedContentError
from damlink._upload.session import UploadSession
from damlink._upload.source import SourceFailureError
from damlink.errors import BynderAuthError, BynderError, TransientError, UnavailableError, UnclearError

SIZES = st.integers(1, 12)


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
    at = make_session(len(data), part_bytes)
    came = read(make_content(data, pieces), at)
    cut = cut_parts(data, part_bytes)
    assert came == list(enumerate(cut, start=1))
    assert at.crc32 == zlib.crc32(data)
    assert at.digests == [hashlib.sha1(piece).hexdigest()[:16] for piece in cut]


@given(st.binary(min_size=1, max_size=60), SIZES, st.lists(SIZES, max_size=6), st.data(), st.booleans())
def test_read_parts_when_resumed_anywhere_sends_the_rest_with_the_same_checksum(
    data: bytes, part_bytes: int, pieces: list[int], draw: st.DataObject, vouched: bool
) -> None:
    validator = '"v"' if vouched else None
    at = make_session(len(data), part_bytes, validator=validator)
    before = read(
        make_content(data, pieces, validator), at, draw.draw(st.integers(0, at.parts), label="sent")
    )
    at = UploadSession(**attrs.asdict(at))  # as it comes back from a checkpoint
    after = read(make_content(data, pieces[::-1], validator), at)
    assert b"".join(part for _, part in before + after) == data
    assert [number for number, _ in before + after] == list(range(1, at.parts + 1))
    assert at.crc32 == zlib.crc32(data)


@given(st.binary(min_size=8, max_size=60), st.data())
def test_read_parts_when_what_was_sent_has_changed_says_so(data: bytes, draw: st.DataObject) -> None:
    at = make_session(len(data))
    sent = draw.draw(st.integers(1, at.parts - 1), label="sent")
    read(make_content(data), at, sent)
    where = draw.draw(st.integers(0, sent * 4 - 1), label="where")
    changed = data[:where] + bytes([data[where] ^ 1]) + data[where + 1 :]
    with pytest.raises(ChangedContentError, match="beach.bin changed at its source during the upload"):
        read(make_content(changed), at)


@given(st.binary(max_size=40), st.integers(1, 40))
def test_read_parts_when_the_size_is_another_never_ends_well(data: bytes, size: int) -> None:
    assume(len(data) != size)
    with pytest.raises(ChangedContentError, match=f"beach.bin does not have the announced {size} bytes"):
        read(make_content(data), make_session(size))


def test_read_parts_when_vouched_for_opens_where_it_stopped() -> None:
    opened: list[int] = []
    given_content = Content(
        "a", lambda offset: (opened.append(offset), b"0123456789"[offset:])[1:], 10, validator="v"
    )
    at = make_session(10, validator="v")
    read(given_content, at, 2)
    read(given_content, at)
    assert opened == [0, 8]


@pytest.mark.parametrize("validator", [None, '"other"'], ids=["none", "another"])
def test_read_parts_when_not_vouched_for_reads_again_from_the_beginning(validator: str | None) -> None:
    opened: list[int] = []
    given_content = Content(
        "a", lambda offset: (opened.append(offset), b"0123456789"[offset:])[1:], 10, validator=validator
    )
    at = make_session(10, validator='"v"' if validator else None)
    read(given_content, at, 2)
    read(given_content, at)
    assert opened == [0, 0]


def test_read_parts_when_everything_is_registered_asks_for_nothing(partner: Client, server: Any) -> None:
    server.serve(
        lambda asked: server.reply(416 if "range" in asked.headers else 200, b"0123456789", {"ETag": '"v"'})
    )
    given_content = Content.from_url(partner, f"{server.url}/beach.bin")
    at = make_session(10, validator='"v"')
    assert len(read(given_content, at)) == 3
    assert read(given_content, at) == []


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

    at = make_session(12, validator="v")
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
    at = make_session(10, validator="v")
    read(Content("a", lambda _: [b"0123456789"], 10, validator="v"), at, 2)
    assert read(given_content, at) == [(3, b"89")]
