"""Files of the simulation: each says what it is, so that the auditor knows it wherever it turns up."""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["MARKED", "content_of", "mark", "picture_of", "title_of"]

MARKED: Final = " marked"
_PNG: Final = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 40, 30) + b"\n"


def content_of(name: str, version: int) -> bytes:
    """Return a version of a file."""
    # Some have several parts.
    return f"{name}:{version}:".encode() + b"x" * (version + (60 if name < "asset-3" else 5))


def picture_of(name: str, version: int) -> bytes:
    """Return a version of a file that looks like a picture at its beginning."""
    return _PNG + content_of(name, version)


def mark(picture: bytes, number: int) -> bytes:
    """Return a picture with a mark in it: each mark is another one."""
    name, version = title_of(picture)
    return _PNG + content_of(f"{name}{MARKED}", version) + str(number).encode()


def title_of(content: bytes) -> tuple[str, int]:
    """Return name and version of a file."""
    name, version, _ = content.rpartition(b"\n")[2].decode().split(":", 2)
    return name, int(version)
