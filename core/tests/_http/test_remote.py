from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from canaries import CANARY
from hypothesis import assume, example, given
from hypothesis import strategies as st

from damlink import Content, HeaderAuth, Secret
from damlink._content import PIECE_BYTES, UnprovenOffsetError
from damlink._http.client import Client, open_client
from damlink.errors import AssetRejectedError, TransientError, UnavailableError


@attrs.define
class File:
    """A file as some server may serve it; each entry of `cuts` breaks one answer after so many bytes."""

    data: bytes
    etag: str = ""
    ranges: bool = True
    announces: bool = False
    chunked: bool = False
    cuts: list[int] = attrs.field(factory=list)
    later: bytes | None = None  # what it has become after the first answer
    modified: str = ""
    lies: dict[str, str] = attrs.field(factory=dict)  # headers of an answer to a range
    asked: list[str] = attrs.field(factory=list)

    def serve(self, server: Any) -> Any:
        def answer(asked: Any) -> Any:
            self.asked.append(asked.headers.get("range", ""))
            data = self.data if self.later is None or len(self.asked) == 1 else self.later
            etag = f'{self.etag[:-1]}{len(data)}-{sum(data)}"' if self.etag else ""
            cut = self.cuts.pop(0) if self.cuts else None
            headers = {"ETag": etag} if etag else {}
            headers |= {"Last-Modified": self.modified} if self.modified else {}
            headers |= {"Accept-Ranges": "bytes"} if self.announces else {}
            begin = re.fullmatch(r"bytes=(\d+)-(\d*)", self.asked[-1])
            if begin is None or not self.ranges or asked.headers.get("if-range") != etag:
                return server.reply(200, data, headers, cut=cut, chunked=self.chunked)
            if int(begin[1]) >= len(data):
                return server.reply(416, b"", headers)
            end = min(int(begin[2] or len(data)) + 1, len(data))
            headers |= {"Content-Range": f"bytes {begin[1]}-{end - 1}/{len(data)}"} | self.lies
            return server.reply(206, data[int(begin[1]) : end], headers, cut=cut, chunked=self.chunked)

        server.serve(answer)
        return server.url


def read(content: Content, offset: int = 0) -> bytes:
    return b"".join(content.open(offset))


def consume(content: Content) -> None:
    """Look at the size, as an upload does, and read all."""
    assert content.size is not None
    read(content)


files = st.builds(
    File,
    data=st.binary(min_size=1, max_size=60),
    etag=st.sampled_from(["", '"v"', 'W/"v"']),
    ranges=st.booleans(),
    chunked=st.booleans(),
    cuts=st.lists(st.integers(0, 60), max_size=4),
)


def read_no_more_than(pieces: Iterator[bytes], count: int) -> None:
    while count > 0:
        count -= len(next(pieces))


@pytest.mark.parametrize(("offset", "count"), [(0, 300_000), (100_000, 50_000)], ids=["whole", "range"])
def test_open_when_read_to_its_end_and_no_further_keeps_the_connection(
    partner: Client, server: Any, offset: int, count: int
) -> None:
    file = File(bytes(300_000), '"v"', announces=True)
    content = Content.from_url(partner, f"{file.serve(server)}/beach.bin")
    with contextlib.closing(content.open_range(offset, count)) as pieces:
        read_no_more_than(pieces, count)
    partner.get("/")
    assert server.asked[-1].port == server.asked[-2].port


@given(file=files, offset=st.integers(0, 60))
@example(File(b"sand", '"v"', cuts=[4], chunked=True), 0).via("all bytes came, and the end of them did not")
@example(File(b"sand", '"v"'), 4)
def test_open_when_the_connection_breaks_anywhere_still_gives_every_byte(
    partner: Client, server: Any, file: File, offset: int
) -> None:
    offset = min(offset, len(file.data))
    data = file.data
    content = Content.from_url(partner, f"{file.serve(server)}/beach.bin")
    assert read(content, offset) == data[offset:]


@given(
    file=files,
    later=st.binary(max_size=60),
    keep=st.integers(0, 60),
    offset=st.integers(0, 3),
)
@example(File(b"sand", cuts=[3], chunked=True), b"s", 0, 0)
@example(File(b"sand", cuts=[0, 4]), b"sandy", 0, 0)
@example(File(b"\x00", cuts=[0, 2]), b"\x00\x00\x00", 0, 0).via("more came than the first answer announced")
def test_open_when_the_file_changes_meanwhile_never_mixes_the_two(
    partner: Client, server: Any, file: File, later: bytes, keep: int, offset: int
) -> None:
    file.later = file.data[:keep] + later
    before, after = file.data, file.later
    content = Content.from_url(partner, file.serve(server))
    try:
        came = read(content, offset)
    except TransientError:
        return
    assert came in (before[offset:], after[offset:])


@pytest.mark.parametrize("etag", ["", '"v"'], ids=["no validator", "validator"])
def test_open_when_it_breaks_off_without_end_gives_up(partner: Client, server: Any, etag: str) -> None:
    file = File(b"sand", etag, cuts=[2, 0, 0, 0, 0, 0, 0])
    content = Content.from_url(partner, f"{file.serve(server)}/beach.jpg")
    with pytest.raises(TransientError, match=r"the download of beach.jpg breaks off after 2 bytes"):
        read(content)
    assert len(file.asked) == 5


def test_open_when_every_answer_brings_a_little_goes_on_as_long_as_it_takes(
    partner: Client, server: Any
) -> None:
    file = File(b"sand" * 5, '"v"', cuts=[1] * 19)
    assert read(Content.from_url(partner, file.serve(server))) == b"sand" * 5
    assert file.asked == ["", *(f"bytes={number}-" for number in range(1, 20))]


def test_open_when_there_is_a_strong_validator_asks_for_the_rest_only(partner: Client, server: Any) -> None:
    file = File(b"0123456789", '"v"', cuts=[4])
    assert read(Content.from_url(partner, file.serve(server))) == b"0123456789"
    assert file.asked == ["", "bytes=4-"]


@pytest.mark.parametrize("etag", ["", 'W/"v"'], ids=["none", "weak"])
def test_open_when_nothing_vouches_for_the_bytes_reads_from_the_beginning(
    partner: Client, server: Any, etag: str
) -> None:
    file = File(b"0123456789", etag, cuts=[4])
    content = Content.from_url(partner, file.serve(server))
    assert (content.validator, read(content)) == (None, b"0123456789")
    assert file.asked == ["", ""]


def test_open_when_what_came_before_differs_says_so(partner: Client, server: Any) -> None:
    file = File(b"0123456789", cuts=[4], later=b"01X3456789")
    with pytest.raises(TransientError, match="changed at its source while it was read"):
        read(Content.from_url(partner, file.serve(server)))


def test_open_when_the_validator_differs_says_so(partner: Client, server: Any) -> None:
    file = File(b"0123456789", '"v"', cuts=[4], later=b"0123XXXXXX")
    with pytest.raises(TransientError, match="changed at its source while it was read"):
        read(Content.from_url(partner, file.serve(server)))


DOUBTS = {
    "no Content-Range": {"Content-Range": ""},
    "another range": {"Content-Range": "bytes 3-9/10"},
    "another size": {"Content-Range": "bytes 4-9/11"},
    "no size": {"Content-Range": "bytes 4-9/*"},
    "garbage": {"Content-Range": "lines 4-9/10"},
    "compressed": {"Content-Encoding": "gzip"},
    "no validator": {"ETag": ""},
    "a weak validator": {"ETag": 'W/"v"'},
    "another time of change": {"Last-Modified": "Tue, 06 Jan 2026 10:00:00 GMT"},
}


@pytest.mark.parametrize("lies", DOUBTS.values(), ids=DOUBTS)
def test_open_when_an_answer_to_a_range_is_in_doubt_reads_from_the_beginning(
    partner: Client, server: Any, lies: dict[str, str]
) -> None:
    file = File(b"0123456789", '"v"', cuts=[4], lies=lies, modified="Mon, 05 Jan 2026 10:00:00 GMT")
    content = Content.from_url(partner, file.serve(server))
    assert read(content) == b"0123456789"
    assert file.asked == ["", "bytes=4-", ""]


@pytest.mark.parametrize("lies", DOUBTS.values(), ids=DOUBTS)
def test_open_when_an_answer_to_a_range_is_of_another_file_never_mixes_the_two(
    partner: Client, server: Any, lies: dict[str, str]
) -> None:
    file = File(b"0123456789", '"v"', cuts=[4], lies=lies, modified="Mon, 05 Jan 2026 10:00:00 GMT")
    content = Content.from_url(partner, file.serve(server))
    pieces = content.open()
    first = next(pieces)
    file.data = b"XXXXXXXXXX"
    file.etag = '"'  # the server keeps its validator, whatever it serves
    with pytest.raises(TransientError, match="changed at its source while it was read"):
        b"".join([first, *pieces])


def test_open_when_the_validator_is_gone_from_the_whole_compares_what_came_before(
    partner: Client, server: Any
) -> None:
    server.then(200, b"0123456789", headers={"ETag": '"v"'}, cut=4).then(200, b"XXXX456789")
    with pytest.raises(TransientError, match="changed at its source while it was read"):
        read(Content.from_url(partner, server.url))


def test_open_when_the_validator_is_gone_and_the_beginning_was_not_read_here_says_so(
    partner: Client, server: Any
) -> None:
    server.then(200, b"0123456789", headers={"ETag": '"v"'}).then(200, b"XXXX456789")
    content = Content.from_url(partner, server.url)
    assert content.validator == '"v"'
    with pytest.raises(UnprovenOffsetError):
        read(content, 4)


@pytest.mark.parametrize("status", [202, 204, 206])
def test_open_when_the_answer_is_no_whole_file_says_so(partner: Client, server: Any, status: int) -> None:
    server.always(status, b"" if status == 204 else b"0123")
    with pytest.raises(TransientError, match=f"answered {status} in place of a file"):
        read(Content.from_url(partner, server.url))


def test_open_when_it_is_another_file_before_the_first_byte_gives_the_new_one(
    partner: Client, server: Any
) -> None:
    server.then(200, b"old", headers={"ETag": '"a"'}, cut=0).always(200, b"newer", headers={"ETag": '"b"'})
    content = Content.from_url(partner, server.url)
    assert read(content) == b"newer"
    assert (content.size, content.validator) == (5, '"b"')


@pytest.mark.parametrize("told", [b"sa", b"", b"OK", b"sandy"], ids=["half", "empty", "text", "longer"])
@pytest.mark.parametrize("etag", ["", '"v"'], ids=["no ETag", "ETag"])
def test_open_when_an_answer_looks_whole_and_is_of_another_size_says_so_and_reads_it_next_time(
    partner: Client, server: Any, told: bytes, etag: str
) -> None:
    server.then(200, told, headers={"ETag": etag} if etag else {})
    url = File(b"sand", etag).serve(server)
    with pytest.raises(TransientError, match=f"has {len(told)} bytes by one answer and 4 by another"):
        consume(Content.from_url(partner, url, "beach.jpg"))
    assert read(Content.from_url(partner, url, "beach.jpg")) == b"sand"


def test_open_when_an_answer_without_a_length_is_empty_asks_for_the_size(
    partner: Client, server: Any
) -> None:
    server.then(200, b"", chunked=True)
    url = File(b"sand").serve(server)
    with pytest.raises(TransientError, match="has 0 bytes by one answer and 4 by another"):
        read(Content.from_url(partner, url, "beach.jpg"))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 416])
def test_open_when_a_server_refuses_ranges_believes_its_one_answer(
    partner: Client, server: Any, status: int
) -> None:
    server.then(200, b"sand").always(status)
    assert read(Content.from_url(partner, server.url, "beach.jpg")) == b"sand"


@pytest.mark.parametrize("offset", [4, 9], ids=["at it", "behind it"])
def test_open_when_at_the_end_asks_for_nothing(partner: Client, server: Any, offset: int) -> None:
    file = File(b"sand", '"v"')
    content = Content.from_url(partner, file.serve(server))
    assert (content.size, read(content, offset)) == (4, b"")
    assert file.asked == [""]


def test_open_when_large_comes_in_small_pieces(partner: Client, server: Any) -> None:
    data = bytes(range(256)) * 4 * 1024 * 2
    pieces = list(Content.from_url(partner, File(data).serve(server)).open())
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= PIECE_BYTES


def test_open_when_left_in_the_middle_closes_the_connection(partner: Client, server: Any) -> None:
    pieces = Content.from_url(partner, File(bytes(3_000_000)).serve(server)).open()
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert read(Content.from_url(partner, File(b"sand").serve(server))) == b"sand"


def test_facts_when_asked_before_the_bytes_take_no_other_request(partner: Client, server: Any) -> None:
    headers = {"Content-Type": "image/png; charset=x", "ETag": '"v"'}
    server.always(200, b"sand", headers=headers)
    content = Content.from_url(partner, f"{server.url}/files/beach.jpg?key=1")
    facts = (content.size, content.media_type, content.validator, content.filename)
    assert facts == (4, "image/png", '"v"', "beach.jpg")
    assert read(content) == b"sand"
    assert [asked.headers.get("range") for asked in server.asked] == [None, "bytes=0-0"]
    assert server.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ('attachment; filename="beach sand.jpg"', "beach sand.jpg"),
        ("attachment; filename=beach.jpg; size=3", "beach.jpg"),
        ('attachment; FILENAME = "beach.jpg"', "beach.jpg"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\x\\\\beach.jpg"', "beach.jpg"),
        ("attachment", "last.png"),
        ("", "last.png"),
    ],
)
def test_filename_when_not_given_is_what_the_answer_says(
    partner: Client, server: Any, disposition: str, expected: str
) -> None:
    server.always(200, b"", headers={"Content-Disposition": disposition} if disposition else {})
    assert Content.from_url(partner, f"{server.url}/a/last.png?x=1").filename == expected


def test_filename_when_given_needs_no_request(partner: Client, server: Any) -> None:
    assert Content.from_url(partner, f"{server.url}/a", "own.jpg").filename == "own.jpg"
    assert server.asked == []


@pytest.mark.parametrize(
    ("reply", "size"),
    [({"chunked": True}, None), ({"headers": {"Content-Encoding": "identity"}}, None), ({}, 4)],
    ids=["chunked", "encoded", "announced"],
)
def test_size_when_the_answer_does_not_announce_it_is_unknown(
    partner: Client, server: Any, reply: Any, size: int | None
) -> None:
    server.always(200, b"sand", **reply)
    content = Content.from_url(partner, server.url)
    assert (content.size, read(content)) == (size, b"sand")


def test_open_when_the_address_has_expired_is_not_the_assets_fault(
    partner: Client, server: Any, stranger: Any
) -> None:
    stranger.always(403)
    server.always(404)
    with pytest.raises(UnavailableError):
        read(Content.from_url(partner, stranger.url))
    with pytest.raises(AssetRejectedError):
        read(Content.from_url(partner, server.url))


def test_close_when_nobody_has_read_lets_go_and_can_be_read_again(partner: Client, server: Any) -> None:
    server.always(200, b"sand")
    content = Content.from_url(partner, server.url)
    assert content.size == 4
    content.close()
    content.close()
    assert read(content) == b"sand"
    assert len(server.asked) == 2


# --- ranges ----------------------------------------------------------------------------------------


def announced(data: bytes, **facts: Any) -> File:
    """A file behind a server that announces ranges."""
    return File(data, '"v"', announces=True, **facts)


@pytest.mark.parametrize(
    ("etag", "announces", "chunked", "expected"),
    [
        ('"v"', True, False, True),
        ("", True, False, False),
        ('W/"v"', True, False, False),
        ('"v"', False, False, False),
        ('"v"', True, True, False),
    ],
    ids=["all", "no validator", "weak validator", "not announced", "no size"],
)
def test_has_ranges_when_all_is_known_that_it_takes(
    partner: Client, server: Any, etag: str, announces: bool, chunked: bool, expected: bool
) -> None:
    file = File(b"0123456789", etag, announces=announces, chunked=chunked)
    with contextlib.closing(Content.from_url(partner, file.serve(server))) as content:
        assert content.has_ranges is expected


@given(
    data=st.binary(min_size=1, max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    offset=st.integers(0, 59),
    count=st.integers(1, 70),
)
def test_open_range_when_the_connection_breaks_anywhere_still_gives_every_byte(
    partner: Client, server: Any, data: bytes, cuts: list[int], offset: int, count: int
) -> None:
    offset = min(offset, len(data) - 1)
    with contextlib.closing(Content.from_url(partner, announced(data, cuts=cuts).serve(server))) as content:
        assert content.has_ranges
        assert b"".join(content.open_range(offset, count)) == data[offset : offset + count]


@given(data=st.binary(min_size=2, max_size=60), later=st.binary(max_size=60), offset=st.integers(0, 58))
def test_open_range_when_the_file_changes_meanwhile_never_gives_the_other(
    partner: Client, server: Any, data: bytes, later: bytes, offset: int
) -> None:
    assume(data != later)
    file, offset = announced(data, later=later), min(offset, len(data) - 1)
    with contextlib.closing(Content.from_url(partner, file.serve(server))) as content:
        assert content.has_ranges
        list(content.open_range(0, 1))  # takes the first answer
        with pytest.raises(TransientError, match="changed at its source"):
            list(content.open_range(offset, len(data)))


def test_open_range_when_asked_for_asks_for_no_more(partner: Client, server: Any) -> None:
    file = announced(b"0123456789", cuts=[10, 2])
    content = Content.from_url(partner, file.serve(server))
    assert content.has_ranges
    assert b"".join(content.open_range(3, 4)) == b"3456"
    assert file.asked == ["", "bytes=3-6", "bytes=5-6"]


@pytest.mark.parametrize("lie", DOUBTS.values(), ids=DOUBTS)
def test_open_range_when_the_range_is_doubtful_gives_none_of_it(
    partner: Client, server: Any, lie: dict[str, str]
) -> None:
    file = announced(b"0123456789", lies=lie, modified="Mon, 05 Jan 2026 10:00:00 GMT")
    content = Content.from_url(partner, file.serve(server))
    assert content.has_ranges
    with pytest.raises(UnprovenOffsetError, match="sends no ranges"):
        list(content.open_range(4, 6))
    assert not content.has_ranges


@pytest.mark.parametrize("body", [b"{}", b'{"half', b"<html><body>no</body></html>"])
def test_content_when_only_its_media_type_is_known_refuses_a_document(
    partner: Client, server: Any, body: bytes
) -> None:
    server.then(200, body)
    with pytest.raises(TransientError, match="in place of an image"):
        read(Content.from_url(partner, f"{server.url}/12", media_type="image/*"))


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
def test_content_when_unsigned_sends_no_credentials_to_our_own_origin(server: Any, signed: bool) -> None:
    server.always(200, b"pixels")
    with open_client(server.url) as client:
        client.sign_with(HeaderAuth({"Acme-Key": Secret(CANARY)}))
        read(Content.from_url(client, f"{server.url}/a.jpg?signature=s", signed=signed))
    assert {CANARY in asked.headers.values() for asked in server.asked} == {signed}
