from __future__ import annotations

import io
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from damlink_imatag.media_file import dimensions, media_type

Painter = Callable[..., bytes]

KINDS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
}


@pytest.mark.parametrize("kind", KINDS)
def test_picture_when_looked_at_tells_its_type_and_size(paint: Painter, kind: str) -> None:
    data = paint(kind, (321, 77))
    assert (media_type(data), dimensions(data)) == (KINDS[kind], (321, 77))


@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"lossless": True, "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}]
)
def test_webp_in_its_other_forms_tells_its_size(paint: Painter, options: dict[str, object]) -> None:
    assert dimensions(paint("WEBP", (321, 77), **options)) == (321, 77)


def test_jpeg_with_a_large_profile_before_its_size_tells_it(paint: Painter) -> None:
    assert dimensions(paint("JPEG", (321, 77), icc_profile=bytes(200_000))) == (321, 77)


def test_tiff_with_its_size_at_its_end_tells_it_where_the_whole_file_is_at_hand(paint: Painter) -> None:
    plain = paint("TIFF", (321, 77))
    start = struct.unpack_from("<I", plain, 4)[0]
    moved = plain[:4] + struct.pack("<I", len(plain)) + plain[8:] + plain[start:]
    assert dimensions(moved[:1000]) is None
    assert dimensions(moved[:1000], lambda at, count: moved[at : at + count]) == (321, 77)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        pytest.param(b"\0\0\0\x18ftypqt  ", "video/quicktime", id="mov"),
        pytest.param(b"\0\0\0\x18ftypisom", "video/mp4", id="mp4"),
        pytest.param(b"\0\0\0\x18moovxxxx", "video/quicktime", id="old mov"),
        pytest.param(b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo", id="avi"),
        pytest.param(b"\x1aE\xdf\xa3\0", "video/webm", id="webm"),
        pytest.param(b"%PDF-1.7", "application/pdf", id="pdf"),
        pytest.param(b"hello", "", id="text"),
        pytest.param(b"", "", id="nothing"),
    ],
)
def test_other_files_tell_their_type_by_their_beginning(head: bytes, expected: str) -> None:
    assert media_type(head) == expected


@settings(max_examples=150)
@given(st.sampled_from(sorted(KINDS)), st.integers(0, 400), st.binary(max_size=40))
def test_broken_head_never_fails(kind: str, cut: int, noise: bytes) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10)).save(buffer, kind)
    size = dimensions(buffer.getvalue()[:cut] + noise)
    assert size is None or min(size) > 0
