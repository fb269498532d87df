from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damlink import Content, ContentFile, Spool
from damlink._content import PIECE_BYTES, spool_content
from damlink.errors import TransientError


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def unsized(data: bytes) -> Content:
    return Content("beach.jpg", lambda offset: [data[offset:]])


@given(st.binary(max_size=100), st.integers(0, 120))
def test_from_bytes_when_opened_at_an_offset_gives_the_rest(data: bytes, offset: int) -> None:
    content = Content.from_bytes(data, "beach.jpg")
    assert b"".join(content.open(offset)) == data[offset:]
    assert b"".join(content.open(offset)) == data[offset:]
    assert (content.size, content.filename) == (len(data), "beach.jpg")


@given(st.lists(st.binary(max_size=9), max_size=9), st.integers(0, 90), st.integers(1, 20))
def test_parts_when_the_pieces_have_any_size_are_of_one_size_and_the_whole(
    pieces: list[bytes], offset: int, size: int
) -> None:
    data = b"".join(pieces)
    content = Content("a.bin", lambda at: pieces if at == 0 else [data[at:]], size=len(data))
    parts = list(content.parts(size, offset))
    assert b"".join(parts) == data[offset:]
    assert {len(part) for part in parts[:-1]} <= {size}
    assert all(0 < len(part) <= size for part in parts)


def test_parts_when_the_source_ends_too_early_do_not_end_as_if_that_were_the_file() -> None:
    content = Content("a.bin", lambda offset: [b"01234567"[offset:]], size=9)
    with pytest.raises(TransientError, match=r"a\.bin ended after 8 of 9 bytes"):
        list(content.parts(3))


def test_parts_when_the_file_is_large_hold_two_parts_at_most() -> None:
    size, part = 64 * 2**20, 2**20
    piece = bytes(PIECE_BYTES)
    content = Content("a.bin", lambda offset: (piece for _ in range(size // PIECE_BYTES)), size=size)
    tracemalloc.start()
    try:
        assert sum(len(each) for each in content.parts(part)) == size
        assert tracemalloc.get_traced_memory()[1] < 2.2 * part
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [0, -1])
def test_parts_when_their_size_is_not_positive_says_so(size: int) -> None:
    with pytest.raises(ValueError, match=f"a part of {size} bytes"):
        list(Content.from_bytes(b"0", "a.bin").parts(size))


@pytest.mark.parametrize("count", [0, 1, PIECE_BYTES, PIECE_BYTES + 7, 3 * PIECE_BYTES])
def test_open_range_when_the_file_is_on_disk_gives_that_part(tmp_path: Path, count: int) -> None:
    data = os.urandom(PIECE_BYTES * 2 + 5)
    (tmp_path / "beach.jpg").write_bytes(data)
    content = Content.from_path(tmp_path / "beach.jpg")
    assert b"".join(content.open_range(3, count)) == data[3 : 3 + count]
    assert content.has_ranges


def test_open_range_when_the_file_on_disk_has_changed_says_so(tmp_path: Path) -> None:
    (tmp_path / "beach.jpg").write_bytes(b"0123456789")
    content = Content.from_path(tmp_path / "beach.jpg")
    (tmp_path / "beach.jpg").write_bytes(b"0123456789 and more")
    with pytest.raises(TransientError, match=r"beach\.jpg changed while it was read"):
        list(content.open_range(0, 5))


@given(st.binary(max_size=100), st.integers(0, 120), st.integers(0, 120), st.integers(1, 9))
def test_open_range_when_it_is_any_content_gives_that_part_and_closes_it(
    data: bytes, offset: int, count: int, piece: int
) -> None:
    closed: list[bool] = []

    def opened(start: int) -> Iterator[bytes]:
        try:
            yield from (data[at : at + piece] for at in range(start, len(data), piece))
        finally:
            closed.append(True)

    content = Content("beach.jpg", opened, len(data), validator="v")
    assert b"".join(content.open_range(offset, count)) == data[offset : offset + count]
    assert closed == [True]


@pytest.mark.parametrize("offset", [0, 1, PIECE_BYTES, PIECE_BYTES * 2 + 3, PIECE_BYTES * 2 + 9])
def test_from_path_when_opened_at_an_offset_gives_the_rest_in_pieces(tmp_path: Path, offset: int) -> None:
    data = os.urandom(PIECE_BYTES * 2 + 5)
    (tmp_path / "beach.jpg").write_bytes(data)
    pieces = list(Content.from_path(tmp_path / "beach.jpg").open(offset))
    assert b"".join(pieces) == data[offset:]
    assert all(len(piece) <= PIECE_BYTES for piece in pieces)


def test_from_path_when_the_file_changes_has_another_validator(tmp_path: Path) -> None:
    path = tmp_path / "beach.jpg"
    path.write_bytes(b"one")
    before = Content.from_path(path, "sea.jpg")
    assert (before.filename, before.size) == ("sea.jpg", 3)
    assert before.validator == Content.from_path(str(path)).validator
    os.utime(path, ns=(1, 1))
    assert before.validator != Content.from_path(path).validator


@pytest.mark.parametrize(
    ("filename", "given_type", "expected"),
    [
        ("a.jpg", None, "image/jpeg"),
        ("a.mp4", None, "video/mp4"),
        ("a.unknown", None, "application/octet-stream"),
        ("", None, "application/octet-stream"),
        ("a.jpg", "image/png", "image/png"),
    ],
)
def test_media_type_when_not_given_follows_the_name(
    filename: str, given_type: str | None, expected: str
) -> None:
    content = Content(filename, lambda _: [], media_type=given_type)
    assert content.media_type == expected


def test_content_when_shown_tells_name_and_size_only() -> None:
    assert repr(Content.from_bytes(b"s3cret", "a.jpg")) == "Content('a.jpg', size=6)"


def test_spooled_when_the_size_is_unknown_makes_it_known(temporary: Path) -> None:
    with spool_content(unsized(b"sand")) as known:
        assert (known.size, known.filename, b"".join(known.open(1))) == (4, "beach.jpg", b"and")
        assert list(temporary.iterdir()) == []  # no name that another user could open or foresee


def test_spooled_when_read_at_several_offsets_at_once_gives_each_its_bytes(temporary: Path) -> None:
    data = bytes(range(256)) * 4096
    with spool_content(unsized(data)) as known, ThreadPoolExecutor(4) as pool:
        offsets = range(0, len(data), 100_001)
        read = list(pool.map(lambda offset: b"".join(known.open(offset)), offsets))
    assert read == [data[offset:] for offset in offsets]


def test_spooled_when_the_source_breaks_leaves_nothing_behind(temporary: Path) -> None:
    def breaking(_: int) -> Iterator[bytes]:
        yield b"sand"
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"), spool_content(Content("a.jpg", breaking)):
        raise AssertionError("it must not be entered")
    assert list(temporary.iterdir()) == []


def test_spooled_when_the_process_is_killed_leaves_nothing_behind(temporary: Path) -> None:
    code = (
        "import os, signal; from damlink._content import Content, spool_content;"
        "spool_content(Content('a', lambda _: [b'sand'])).__enter__(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(temporary)})
    assert killed.returncode == -signal.SIGKILL
    assert list(temporary.iterdir()) == []


# --- the file of a form ----------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=20), max_size=12))
def test_content_file_when_read_again_gives_the_same_from_its_beginning(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    file = ContentFile(Content("a.pdf", lambda _offset: iter(pieces), size=len(whole)))
    assert (file.tell(), file.seek(0, os.SEEK_END)) == (0, len(whole))
    first = b"".join(iter(file.read, b""))
    file.seek(0)
    assert first == b"".join(iter(file.read, b"")) == whole


def test_content_file_when_the_size_is_unknown_says_so() -> None:
    with pytest.raises(OSError, match="unknown"):
        ContentFile(unsized(b"1")).seek(0, os.SEEK_END)


# --- the spool -------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=20), max_size=12), st.integers(0, 250))
def test_spool_when_read_from_an_offset_gives_the_rest(pieces: list[bytes], offset: int) -> None:
    whole = b"".join(pieces)
    with contextlib.closing(Spool(pieces)) as spool:
        assert (spool.size, b"".join(spool.pieces(offset))) == (len(whole), whole[offset:])
        assert spool.read(1, 2) == whole[1:3]


def test_spool_when_its_source_breaks_off_leaves_no_file(temporary: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"1"
        raise ValueError("broken off")

    with pytest.raises(ValueError, match="broken off"):
        Spool(broken())
    assert list(temporary.iterdir()) == []


class BrokenError(Exception):
    pass


def breaking(data: bytes) -> Iterator[bytes]:
    yield data
    raise BrokenError


@pytest.mark.parametrize("size", [None, 3 * PIECE_BYTES])
def test_save_when_the_bytes_are_all_there_writes_the_file_and_nothing_else(
    tmp_path: Path, size: int | None
) -> None:
    data = os.urandom(3 * PIECE_BYTES)
    content = Content("beach.jpg", lambda offset: [data[offset:]], size=size)
    assert content.save(tmp_path / "a.jpg") == tmp_path / "a.jpg"
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"a.jpg": data}


@pytest.mark.parametrize(
    ("name", "saved"), [("beach.jpg", "beach.jpg"), ("../../beach.jpg", "beach.jpg"), ("..", "file")]
)
def test_save_when_the_path_is_a_folder_stays_within_it(tmp_path: Path, name: str, saved: str) -> None:
    content = Content(name, lambda _offset: [b"sand"])
    assert content.save(tmp_path) == tmp_path / saved


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (Content("a", lambda _: breaking(b"half")), BrokenError),
        (Content("a", lambda _: [b"half"], size=8), TransientError),
    ],
    ids=["the source breaks off", "the source is shorter"],
)
def test_save_when_it_fails_leaves_what_was_there(
    tmp_path: Path, content: Content, error: type[Exception]
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"earlier")
    with pytest.raises(error):
        content.save(tmp_path / "a.jpg")
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"a.jpg": b"earlier"}


def test_save_when_the_folder_is_not_there_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Content.from_bytes(b"sand", "a").save(tmp_path / "nowhere" / "a")
