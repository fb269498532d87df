"""EXIF fields of files of several kinds."""

from __future__ import annotations

import io
import os

import pytest
from exif_images import image
from PIL import ExifTags, Image

from damlink import Content
from damlink_exif.fields import HEAD_BYTES, read_fields


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_read_fields_of_an_image_returns_them_by_name(kind: str) -> None:
    content = Content.from_bytes(image(kind, Artist="Ada", ImageDescription="A tree\0\0"), "a.bin")

    found = read_fields(content)

    assert (found["Artist"], found["ImageDescription"]) == ("Ada", "A tree")


def test_read_fields_of_the_exif_part_returns_them_too() -> None:
    made, exif = io.BytesIO(), Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal.value] = "2026:01:02 03:04:05"
    Image.new("RGB", (8, 8)).save(made, "JPEG", exif=exif)

    found = read_fields(Content.from_bytes(made.getvalue(), "a.jpg"))

    assert found["DateTimeOriginal"] == "2026:01:02 03:04:05"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"plain text", id="no-image"),
        pytest.param(image()[:12], id="cut"),
        pytest.param(image(), id="no-exif"),
        pytest.param(image(Artist="Ada").replace(b"Exif\0\0MM", b"Exif\0\0XX"), id="broken-exif"),
    ],
)
def test_read_fields_without_readable_exif_returns_none(data: bytes) -> None:
    assert read_fields(Content.from_bytes(data, "a.jpg")) == {}


def test_read_fields_of_a_large_file_reads_its_head_only() -> None:
    read = 0

    def pieces(offset: int) -> object:
        nonlocal read
        while True:
            read += 65_536
            yield os.urandom(65_536)

    read_fields(Content("a.mp4", pieces, size=10**10))  # type: ignore[arg-type]

    assert read == HEAD_BYTES
