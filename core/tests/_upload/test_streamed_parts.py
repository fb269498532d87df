"""Parts that are read from the source while they are sent."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_contents import cut_parts, make_content, make_session

from damlink import Content
from damlink._upload.checksums import Checksums
from damlink._upload.parts import ChangedContentError
from damlink._upload.session import UploadSession
from damlink._upload.source import SourceFailureError
from damlink._upload.streamed_parts import CancelledPartError, StreamedPart, can_stream, stream_parts
from damlink.errors import BynderAuthError, BynderError, TransientError

SIZES = st.integers(1, 12)


def stream(content: Content, session: UploadSession, most: int = 100) -> list[tuple[int, bytes]]:
    """Read so many parts and have each registered."""
    came: list[tuple[int, bytes]] = []
    for part in list(stream_parts(content, session))[:most]:
        came.append((part.number, b"".join(part.open())))
        session.register(part)
    return came


def digest_of(data: bytes) -> str:
    checksums = Checksums()
    checksums.update(data)
    return checksums.digest


@given(st.binary(min_size=1, max_size=60), SIZES, st.lists(SIZES, max_size=6))
def test_stream_parts_when_the_bytes_come_in_any_pieces_cuts_them_alike(
    data: bytes, part_bytes: int, pieces: list[int]
) -> None:
    session = make_session(len(data), part_bytes, validator="v")
    came = stream(make_content(data, pieces, "v"), session)
    cut = cut_parts(data, part_bytes)
    assert came == list(enumerate(cut, start=1))
    assert session.crc32 == zlib.crc32(data)
    assert session.digests == [digest_of(part) for part in cut]


@given(st.binary(min_size=1, max_size=60), SIZES, st.data(), st.sampled_from(["v", "w"]))
def test_stream_parts_when_resumed_anywhere_sends_the_rest_with_the_same_checksum(
    data: bytes, part_bytes: int, draw: st.DataObject, validator: str
) -> None:
    session = make_session(len(data), part_bytes, validator="v")
    content = make_content(data, validator="v")
    before = stream(content, session, draw.draw(st.integers(0, session.parts), label="sent"))
    session = UploadSession(**attrs.asdict(session))  # as it comes back from a checkpoint
    after = stream(make_content(data, validator=validator), session)
    assert [number for number, _ in before + after] == list(range(1, session.parts + 1))
    assert b"".join(part for _, part in before + after) == data
    assert session.crc32 == zlib.crc32(data)


@given(st.binary(min_size=8, max_size=60), st.data())
def test_stream_parts_when_what_was_sent_has_changed_says_so(data: bytes, draw: st.DataObject) -> None:
    session = make_session(len(data), validator="v")
    sent = draw.draw(st.integers(1, session.parts - 1), label="sent")
    stream(make_content(data, validator="v"), session, sent)
    where = draw.draw(st.integers(0, sent * 4 - 1), label="where")
    changed = data[:where] + bytes([data[where] ^ 1]) + data[where + 1 :]
    with pytest.raises(ChangedContentError, match="beach.bin changed at its source during the upload"):
        stream(make_content(changed, validator="w"), session)


@given(st.binary(max_size=40), st.integers(1, 40))
def test_stream_parts_when_the_size_is_another_never_ends_well(data: bytes, size: int) -> None:
    assume(len(data) != size)
    with pytest.raises(ChangedContentError, match=f"beach.bin does not have the announced {size} bytes"):
        stream(make_content(data, validator="v"), make_session(size, validator="v"))


def test_stream_parts_when_the_validator_is_the_same_opens_missing_parts_only() -> None:
    opened: list[int] = []
    content = Content("a", lambda at: (opened.append(at), b"0123456789"[at:])[1:], 10, validator="v")
    session = make_session(10, validator="v")
    stream(content, session, 1)
    stream(content, session)
    assert opened == [0, 4, 8]


def test_open_when_a_part_is_lost_reads_it_again_from_its_own_offset() -> None:
    opened: list[int] = []
    content = Content("a", lambda at: (opened.append(at), b"0123456789"[at:])[1:], 10, validator="v")
    part = StreamedPart(content, make_session(10), 2)
    assert next(part.open()) == b"4567"
    assert part.digest == ""
    assert b"".join(part.open()) == b"4567"
    assert (opened, part.digest) == ([4, 4], digest_of(b"4567"))


def test_open_when_cancelled_ends() -> None:
    part = StreamedPart(make_content(b"0123456789", [1], "v"), make_session(10), 2)
    pieces = part.open()
    assert next(pieces) == b"4567"
    part.cancel()
    with pytest.raises(CancelledPartError):
        next(pieces)


@pytest.mark.parametrize("error", [TransientError("a"), BynderError("b"), BynderAuthError("c"), OSError("d")])
@pytest.mark.parametrize("number", [1, 2], ids=["at its beginning", "in the middle"])
def test_open_when_the_source_fails_says_whose_error_it_is(error: Exception, number: int) -> None:
    def opened(offset: int) -> Iterator[bytes]:
        yield bytes(2)
        raise error

    part = StreamedPart(Content("a", opened, 8, validator="v"), make_session(8), number)
    with pytest.raises(SourceFailureError) as failure:
        list(part.open())
    assert failure.value.cause is error


@pytest.mark.parametrize(
    ("validator", "size", "parts", "expected"),
    [("v", 8, 2, True), (None, 8, 2, False), ("v", None, 2, False), (None, 8, 1, True)],
    ids=["proven", "no validator", "no size", "one part"],
)
def test_can_stream_when_every_part_can_be_read_again(
    validator: Any, size: Any, parts: int, expected: bool
) -> None:
    assert can_stream(Content("a", lambda _: [], size, validator=validator), parts) is expected
