"""Files of the partners: a fixed set, a person's own, and synthetic ones of any size."""

from __future__ import annotations

import functools
import hashlib
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import attrs
from PIL import Image

from damlink_sandbox.world import MediaFile

PIECE = 1 << 20  # bytes

MEDIA_TYPES = {
    ".jpg": ("image", "image/jpeg"),
    ".jpeg": ("image", "image/jpeg"),
    ".png": ("image", "image/png"),
    ".gif": ("image", "image/gif"),
    ".tif": ("image", "image/tiff"),
    ".tiff": ("image", "image/tiff"),
    ".webp": ("image", "image/webp"),
    ".eps": ("vector", "application/postscript"),
    ".ai": ("vector", "application/postscript"),
    ".svg": ("vector", "image/svg+xml"),
    ".mov": ("video", "video/quicktime"),
    ".mp4": ("video", "video/mp4"),
    ".m4v": ("video", "video/mp4"),
    ".webm": ("video", "video/webm"),
}


FOLDER = Path(__file__).parent / "media_files"

# In the order of the partners' ids; Pillow cannot read the size of the last two.
OWN = {
    "lake-at-dawn.jpg": (2400, 1600),
    "pine-ridge.jpg": (1800, 1200),
    "burning-peak.jpg": (1200, 1600),
    "moon-over-hills.jpg": (1600, 1067),
    "red-dunes.jpg": (2000, 1125),
    "first-snow.jpg": (1500, 1500),
    "autumn-valley.jpg": (2100, 1400),
    "quiet-moor.jpg": (1280, 853),
    "green-coast.jpg": (1920, 1080),
    "paper-hills.eps": (800, 600),
    "sunset.mov": (640, 360),
}


def own_media() -> list[MediaFile]:
    """Return nine photographs, a vector and a video, which come with the sandbox."""
    return [
        Stored(FOLDER / name, name, (FOLDER / name).stat().st_size, width, height)
        for name, (width, height) in OWN.items()
    ]


def from_folder(path: Path) -> list[MediaFile]:
    """Return the images, vectors and videos below `path` by their extensions, sorted by path; others are
    ignored.
    """
    return [
        describe_file(file)
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.suffix.lower() in MEDIA_TYPES
    ]


class Readable(Protocol):
    """Protocol of bytes that can be hashed."""

    def read(self, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes from `offset`, in pieces."""


def digest(file: Readable) -> str:
    """Return the SHA-256 of all bytes, hex, read piece by piece."""
    sha256 = hashlib.sha256()
    for piece in file.read():
        sha256.update(piece)
    return sha256.hexdigest()


class _Hashed:
    """Keeps the digest of a file once it has been asked for."""

    def read(self, offset: int = 0) -> Iterator[bytes]:
        raise NotImplementedError

    def sha256(self) -> str:
        """Return the digest of all bytes, hex."""
        return self._sha256

    @functools.cached_property
    def _sha256(self) -> str:
        return digest(self)


class _Named(_Hashed):
    """Takes what a file is from its extension."""

    filename: str

    @property
    def kind(self) -> str:
        """`image`, `vector` or `video`."""
        return MEDIA_TYPES[Path(self.filename).suffix.lower()][0]

    @property
    def media_type(self) -> str:
        """Such as `image/jpeg`."""
        return MEDIA_TYPES[Path(self.filename).suffix.lower()][1]


@attrs.frozen(slots=False)
class Stored(_Named):
    """A file on disk, as long as it was when it was found; what it is, its extension says."""

    path: Path
    filename: str
    size: int
    width: int = 0
    height: int = 0

    @classmethod
    def at(cls, path: Path, filename: str = "") -> Stored:
        """Return the file at a path, which is opened only while it is read.

        Args:
            filename: its name for others, if it lies there under another one.
        """
        return cls(path, filename or path.name, path.stat().st_size)

    def read(self, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes from `offset`, in pieces of at most 1 MiB."""
        with self.path.open("rb") as file:
            file.seek(offset)
            while piece := file.read(PIECE):
                yield piece


def describe_file(path: Path) -> Stored:
    """Return the file at `path`, with its width and height if Pillow can read them."""
    width = height = 0
    if MEDIA_TYPES[path.suffix.lower()][0] == "image":
        try:
            with Image.open(path) as picture:
                width, height = picture.size
        except (OSError, Image.DecompressionBombError):
            # Served all the same: partners hold broken files too.
            pass
    return Stored(path, path.name, path.stat().st_size, width, height)


@attrs.frozen(slots=False)
class Synthetic(_Hashed):
    """A file of any size whose bytes are made as they are read, wherever reading begins.

    It opens as what it says it is: a small picture, drawing or film stands at its beginning, noise after it
    (a film's in a `free` atom; pictures and drawings are read to their end mark). Too short for one, it is
    all noise.
    """

    filename: str
    size: int
    kind: str = attrs.field(default="video", validator=attrs.validators.in_(("image", "vector", "video")))
    seed: int = 0
    width: int = 0
    height: int = 0

    @property
    def media_type(self) -> str:
        """Such as `video/quicktime`; by the extension, else by the kind."""
        kind, media_type = MEDIA_TYPES.get(Path(self.filename).suffix.lower(), ("", ""))
        return media_type if kind == self.kind else _USUAL[self.kind]

    def read(self, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes from `offset`, in pieces of at most 1 MiB."""
        while offset < self.size:
            number, start = divmod(offset, PIECE)
            yield self._piece(number)[start : self.size - number * PIECE]
            offset = (number + 1) * PIECE

    def _piece(self, number: int) -> bytes:
        """Return a stretch of the tape; both steps are odd, so it takes a terabyte for one to come again."""
        start = (self.seed * 610_839 + number * 331_999) % PIECE
        piece = _tape()[start : start + PIECE]
        if number:
            return piece
        beginning = self._beginning
        return beginning + piece[len(beginning) :]

    @functools.cached_property
    def _beginning(self) -> bytes:
        beginning = _beginning(self.kind)
        if self.kind == "video":
            rest = self.size - len(beginning)
            # 1: the size is in 64 bits.
            beginning += struct.pack(">I4sQ", 1, b"free", max(0, rest))
        return beginning if len(beginning) <= self.size else b""


_USUAL = {"image": "image/jpeg", "vector": "application/postscript", "video": "video/quicktime"}


@functools.cache
def _tape() -> bytes:
    """Noise, twice over, so that a piece can begin anywhere."""
    return random.Random(PIECE).randbytes(PIECE) * 2


@functools.cache
def _beginning(kind: str) -> bytes:
    """Return a small file of that kind, at most 20 kB."""
    return (FOLDER / _BEGINNINGS[kind]).read_bytes()


_BEGINNINGS = {"image": "beginning.jpg", "vector": "paper-hills.eps", "video": "beginning.mov"}
