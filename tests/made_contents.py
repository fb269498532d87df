"""Contents and sessions that are made up for tests of parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from damlink import Content
from damlink._upload.session import UploadSession


def make_session(size: int, part_bytes: int = 4, **fields: Any) -> UploadSession:
    """A session of an upload by S3 that was just opened."""
    own: dict[str, Any] = {"upload_id": "u", "target_id": "t", "s3_filename": "k", "fields": {"key": "k"}}
    return UploadSession(**own | fields, filename="beach.bin", size=size, part_bytes=part_bytes)


def make_content(data: bytes, pieces: list[int] | None = None, validator: str | None = None) -> Content:
    """The data in pieces of these sizes, the last size again and again."""

    def opened(offset: int) -> Iterator[bytes]:
        sizes = iter(pieces or [])
        size = len(data) or 1
        while offset < len(data):
            size = next(sizes, size)
            yield data[offset : offset + size]
            offset += size

    return Content("beach.bin", opened, len(data), validator=validator)


def cut_parts(data: bytes, part_bytes: int) -> list[bytes]:
    """The bytes of each part."""
    return [data[start : start + part_bytes] for start in range(0, len(data), part_bytes)]
