"""The stand-in's own watermark: one step of luminance, block by block, by a seed; and its detector.

Nothing like the vendor's, which is not published; but a real and invisible change of pixels, which is
different each time and can be read back. A film's pixels stay as they are, since nothing here can decode
them: its mark is a box at the end of the file.
"""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageChops, UnidentifiedImageError

# Pixels; the mean of a block outlives the quantisation of a JPEG.
BLOCK = 8
SMALLEST = 16  # pixels; assumed
# Of a full mark; chance gives a tenth.
FOUND = 0.4
BOX = b"free"
BOX_LABEL = b"invisible-mark"
SEED_BYTES = 16
IMAGES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP"}
VIDEOS = frozenset({".mp4", ".mov", ".m4v"})
_UP, _DOWN = 129, 127
_TABLE = bytes([_DOWN] * 128 + [_UP] * 128)
# Texts, XMP, IPTC, Photoshop.
_TIFF_TAGS = (270, 271, 272, 305, 306, 315, 700, 33432, 33723, 34377)
_PNG_CHUNKS = frozenset(
    {b"iCCP", b"eXIf", b"iTXt", b"tEXt", b"zTXt", b"pHYs", b"gAMA", b"sRGB", b"cHRM", b"tIME"}
)
# JFIF and Adobe are the encoder's; C2PA would be a lie.
_OWN_SEGMENTS = frozenset({0xE0, 0xEB, 0xEE})


class FailedError(Exception):
    """Marking failed: an `error_code` and an `error_message`."""


def mark(source: Path, target: Path, suffix: str, seed: str) -> None:
    """Write the marked form of a file.

    Args:
        suffix: lower case, with its dot.

    Raises:
        FailedError: the file is corrupt, or too small.
    """
    if suffix in VIDEOS:
        _mark_film(source, target, seed)
        return
    try:
        with Image.open(source) as picture:
            picture.load()
            target.write_bytes(_mark(picture, source.read_bytes(), IMAGES[suffix], seed))
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise FailedError("corrupt", f"the image cannot be read: {error}") from error


def _mark(picture: Image.Image, data: bytes, kind: str, seed: str) -> bytes:
    if min(picture.size) < SMALLEST:
        raise FailedError("too_small", f"the image is smaller than {SMALLEST} pixels")
    shifted = _shift(picture, seed)
    buffer = io.BytesIO()
    if kind == "JPEG":
        shifted.save(buffer, kind, quality=96, subsampling=0)
        return _with_segments(buffer.getvalue(), data)
    if kind == "PNG":
        shifted.save(buffer, kind)
        return _with_chunks(buffer.getvalue(), data)
    icc = picture.info.get("icc_profile")
    more = {"icc_profile": icc} if icc else {}
    if kind == "TIFF":
        tags = getattr(picture, "tag_v2", {})
        kept = {tag: tags[tag] for tag in _TIFF_TAGS if tag in tags}
        shifted.save(buffer, kind, tiffinfo=kept, **more)
    else:
        texts = {name: picture.info[name] for name in ("exif", "xmp") if picture.info.get(name)}
        shifted.save(buffer, kind, lossless=True, **more, **texts)
    return buffer.getvalue()


def _shift(picture: Image.Image, seed: str) -> Image.Image:
    """Return the picture with every block one step lighter or darker; alpha as it is."""
    plain = (
        picture.convert("RGBA" if "transparency" in picture.info else "RGB")
        if picture.mode == "P"
        else picture
    )
    if plain.mode not in ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr"):
        plain = plain.convert("RGB")
    pattern = _pattern(plain.size, seed)
    bands = list(plain.split())
    lit = len(bands) - (plain.mode in ("LA", "RGBA")) if plain.mode != "YCbCr" else 1
    shifted = [ImageChops.add(band, pattern, 1, -128) for band in bands[:lit]]
    return Image.merge(plain.mode, [*shifted, *bands[lit:]])


def _pattern(size: tuple[int, int], seed: str) -> Image.Image:
    width, height = (-(-side // BLOCK) for side in size)
    blocks = Image.frombytes("L", (width, height), _signs(width * height, seed))
    return blocks.resize((width * BLOCK, height * BLOCK), Image.Resampling.NEAREST).crop((0, 0, *size))


def _signs(count: int, seed: str) -> bytes:
    return random.Random(seed).randbytes(count).translate(_TABLE)


# --- what a file says beside its pixels ------------------------------------------------------------


def _with_segments(encoded: bytes, original: bytes) -> bytes:
    """Return a JPEG with the segments of another: EXIF, XMP, IPTC, the profile, comments."""
    kept = b"".join(
        segment for marker, segment in _segments(original)
        if (0xE0 <= marker <= 0xEF or marker == 0xFE) and marker not in _OWN_SEGMENTS
    )  # fmt: skip
    start = 2 + (2 + int.from_bytes(encoded[4:6], "big") if encoded[2:4] == b"\xff\xe0" else 0)
    return encoded[:start] + kept + encoded[start:]


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield data[at + 1], data[at:end]
        at = end


def _with_chunks(encoded: bytes, original: bytes) -> bytes:
    """Return a PNG with the texts, the profile and the EXIF of another."""
    kept = b"".join(chunk for kind, chunk in _chunks(original) if kind in _PNG_CHUNKS)
    # The signature and IHDR.
    start = 8 + 25
    return encoded[:start] + kept + encoded[start:]


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at : at + 12 + length]
        at += 12 + length


# --- films -----------------------------------------------------------------------------------------


def _mark_film(source: Path, target: Path, seed: str) -> None:
    with source.open("rb") as film, target.open("wb") as marked:
        if film.read(8)[4:] not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            raise FailedError("corrupt", "the video cannot be read")
        film.seek(0)
        while piece := film.read(1024 * 1024):
            marked.write(piece)
        marked.write(_box(seed))


def _box(seed: str) -> bytes:
    value = BOX_LABEL + bytes.fromhex(seed)
    return struct.pack(">I", 8 + len(value)) + BOX + value


# --- the detector ----------------------------------------------------------------------------------


def film_seed(data: bytes) -> str:
    """Return the seed of the mark in a film's last bytes; empty where there is none."""
    at = data.rfind(BOX_LABEL)
    return data[at + len(BOX_LABEL) :][:SEED_BYTES].hex() if at >= 0 else ""


def strength(suspect: Image.Image, original: Image.Image, seed: str) -> float:
    """Return the share of a seed's mark in a picture of this original: 1 all of it, 0 none."""
    columns, rows = (side // BLOCK for side in original.size)
    across = -(-original.size[0] // BLOCK)
    signs = _signs(across * -(-original.size[1] // BLOCK), seed)
    before, after = (_means(picture, columns, rows) for picture in (original, suspect))
    total = 0
    for row in range(rows):
        own = signs[row * across : row * across + columns]
        start = row * columns
        total += sum(
            (after[start + place] - before[start + place]) * (1 if sign == _UP else -1)
            for place, sign in enumerate(own)
        )
    return abs(total) / (columns * rows)


def _means(picture: Image.Image, columns: int, rows: int) -> bytes:
    box = (0, 0, columns * BLOCK, rows * BLOCK)
    return picture.convert("L").resize((columns, rows), Image.Resampling.BOX, box).tobytes()
