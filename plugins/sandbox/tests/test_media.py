from __future__ import annotations

import hashlib
import io
import time
from pathlib import Path

import pytest
from PIL import Image, IptcImagePlugin
from PIL.ImageFile import ImageFile

from damlink_sandbox.media import FOLDER, PIECE, Stored, Synthetic, from_folder, own_media
from damlink_sandbox.world import MediaFile

CAMERA, ARTIST, EXIF, GPS, TAKEN = 0x0110, 0x013B, 0x8769, 0x8825, 0x9003


def whole(media: MediaFile, offset: int = 0) -> bytes:
    return b"".join(media.read(offset))


@pytest.fixture(scope="module")
def lake() -> ImageFile:
    return Image.open(io.BytesIO(whole(own_media()[0])))


def test_fixed_media_has_photographs_a_vector_and_a_video() -> None:
    kinds = [media.kind for media in own_media()]
    assert kinds == ["image"] * 9 + ["vector", "video"]


def test_stored_file_under_another_name_is_what_that_says_and_reads_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "0001.part").write_bytes(b"moving")
    file = Stored.at(tmp_path / "0001.part", "film.mp4")
    assert (file.kind, file.media_type, file.size) == ("video", "video/mp4", 6)
    assert (whole(file, 2), file.sha256()) == (b"ving", hashlib.sha256(b"moving").hexdigest())


def test_fixed_media_are_all_different_and_small() -> None:
    assert len({media.sha256() for media in own_media()}) == 11
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 1_000_000


@pytest.mark.parametrize("number", range(9))
def test_photograph_is_as_large_as_it_says(number: int) -> None:
    media = own_media()[number]
    with Image.open(io.BytesIO(whole(media))) as picture:
        assert (picture.format, picture.size) == ("JPEG", (media.width, media.height))


def test_photograph_carries_exif_with_place(lake: ImageFile) -> None:
    exif = lake.getexif()
    assert (exif[CAMERA], exif[ARTIST]) == ("Sandbox One", "Mara Lindqvist")
    assert exif.get_ifd(EXIF)[TAKEN] == "2025:05:08 05:12:00"
    assert [float(part) for part in exif.get_ifd(GPS)[2]] == [46, 37, 28.92]


def test_photograph_carries_iptc(lake: ImageFile) -> None:
    iptc = IptcImagePlugin.getiptcinfo(lake) or {}
    assert iptc[2, 80] == b"Mara Lindqvist"
    assert iptc[2, 25] == [b"lake", b"dawn", b"mist"]
    assert iptc[2, 120] == b"A lake before sunrise, with mist between the hills."


def test_vector_is_postscript_with_a_bounding_box() -> None:
    vector = next(media for media in own_media() if media.kind == "vector")
    with Image.open(io.BytesIO(whole(vector))) as picture:
        assert (picture.format, picture.size) == ("EPS", (vector.width, vector.height))


def test_video_has_its_frames_where_the_index_says() -> None:
    data = whole(next(media for media in own_media() if media.kind == "video"))
    at = data.index(b"stco") + 12
    first = int.from_bytes(data[at : at + 4])
    with Image.open(io.BytesIO(data[first:])) as frame:
        assert (frame.format, frame.size) == ("JPEG", (640, 360))


def test_folder_serves_media_by_extension_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "b" / "z.PNG")
    for name in ("notes.txt", "clip.mp4", "broken.jpg"):
        (tmp_path / name).write_bytes(b"no picture")
    found = from_folder(tmp_path)
    assert [(media.filename, media.kind, media.width) for media in found] == [
        ("z.PNG", "image", 30),
        ("broken.jpg", "image", 0),
        ("clip.mp4", "video", 0),
    ]


def test_folder_file_reads_from_any_offset(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(bytes(range(256)))
    assert whole(from_folder(tmp_path)[0], 250) == bytes(range(250, 256))


@pytest.mark.parametrize("offset", [0, 1, 5_000, PIECE - 1, PIECE, PIECE + 1, 3_000_000, 3_000_001])
def test_synthetic_reads_the_same_from_any_offset(offset: int) -> None:
    media = Synthetic("long.mov", 3_000_001, seed=7)
    assert whole(media, offset) == whole(media)[offset:]


def test_synthetic_has_its_size_and_digest() -> None:
    media = Synthetic("long.mov", 3_000_001)
    assert len(whole(media)) == media.size
    assert media.sha256() == hashlib.sha256(whole(media)).hexdigest()


def test_synthetic_pieces_all_differ() -> None:
    assert len(set(Synthetic("long.mov", 50 * PIECE).read())) == 50


@pytest.mark.parametrize("size", [20_000, 100], ids=["picture", "too-short-for-one"])
def test_synthetic_of_another_seed_differs(size: int) -> None:
    assert whole(Synthetic("a.jpg", size, "image", seed=1)) != whole(
        Synthetic("a.jpg", size, "image", seed=2)
    )


def test_synthetic_picture_opens() -> None:
    with Image.open(io.BytesIO(whole(Synthetic("a.jpg", 20_000, "image")))) as picture:
        picture.load()
        assert picture.format == "JPEG"


def test_synthetic_end_of_gigabytes_comes_at_once() -> None:
    begun = time.thread_time()
    assert len(whole(Synthetic("huge.mov", 3 << 30), (3 << 30) - 10)) == 10
    assert time.thread_time() - begun < 1
