from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damlink._upload.checksums import Checksums, combine_crc32


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_combine_crc32_when_two_parts_follow_each_other_is_the_checksum_of_both(
    first: bytes, second: bytes
) -> None:
    combined = combine_crc32(zlib.crc32(first), zlib.crc32(second), len(second))
    assert combined == zlib.crc32(first + second)


@given(st.lists(st.binary(max_size=50), max_size=8))
def test_combine_crc32_when_there_are_many_parts_is_the_checksum_of_all(parts: list[bytes]) -> None:
    crc32 = 0
    for part in parts:
        crc32 = combine_crc32(crc32, zlib.crc32(part), len(part))
    assert crc32 == zlib.crc32(b"".join(parts))


@pytest.mark.parametrize("size", [2**20, 10**7 + 1])
def test_combine_crc32_when_a_part_is_large_is_the_checksum_of_both(size: int) -> None:
    second = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert combine_crc32(zlib.crc32(b"sand"), zlib.crc32(second), size) == zlib.crc32(b"sand" + second)


@given(st.lists(st.binary(max_size=50), max_size=8))
def test_checksums_when_the_bytes_come_in_pieces_are_those_of_all(pieces: list[bytes]) -> None:
    running, whole = Checksums(), Checksums()
    for piece in pieces:
        running.update(piece)
    whole.update(b"".join(pieces))
    assert (running.crc32, running.digest) == (zlib.crc32(b"".join(pieces)), whole.digest)
