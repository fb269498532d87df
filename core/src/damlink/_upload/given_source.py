"""The content of an upload, from what a program has: a path, bytes, a stream or an address."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from damlink._content import PIECE_BYTES, Content, Spool
from damlink._http.client import Client
from damlink.errors import ArgumentError

__all__ = ["UploadSource", "open_given"]

UploadSource = str | os.PathLike[str] | bytes | bytearray | BinaryIO | Content
"""A path, an address that begins with `http`, bytes, a stream opened for reading bytes, or a `Content`."""

_ADDRESSES: Final = ("http://", "https://")


@contextlib.contextmanager
def open_given(source: UploadSource, filename: str | None, elsewhere: Client) -> Iterator[Content]:
    """Yield the content of a source, which is closed afterwards, unless it is a stream of the caller.

    Args:
        filename: with its extension; that of the source if it has one.
        elsewhere: client for addresses, without credentials.

    Raises:
        ArgumentError: it is no source, or its file has no name.
    """
    with contextlib.ExitStack() as closing:
        content = _content(source, filename, elsewhere, closing)
        closing.callback(content.close)
        yield content


def _content(
    source: UploadSource, filename: str | None, elsewhere: Client, closing: contextlib.ExitStack
) -> Content:
    if isinstance(source, Content):
        return source
    if isinstance(source, str) and source.lower().startswith(_ADDRESSES):
        return elsewhere.content(source, filename)
    if isinstance(source, str | os.PathLike):
        return Content.from_path(source, filename)
    if isinstance(source, bytes | bytearray):
        return Content.from_bytes(bytes(source), _find_name(filename, ""))
    if not hasattr(source, "read"):
        raise ArgumentError(
            f"{source!r:.80} cannot be uploaded", hint="give a path, an address, bytes or a stream"
        )
    name = _find_name(filename, getattr(source, "name", ""))
    if source.seekable():
        return _SeekableContent(source, name)
    # It can be read once, and an upload may have to begin again.
    spool = closing.enter_context(contextlib.closing(Spool(_pieces(source))))
    return Content(name, spool.pieces, size=spool.size)


def _find_name(given: str | None, own: object) -> str:
    name = given or (Path(own).name if isinstance(own, str) else "")
    if not name:
        hint = "give it as `filename`: the portal derives the type from its extension"
        raise ArgumentError("the file has no name", hint=hint)
    return name


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(PIECE_BYTES):
        if not isinstance(piece, bytes):
            raise ArgumentError("the stream yields no bytes", hint="open the file in the mode 'rb'")
        yield piece


class _SeekableContent(Content):
    """Content of a stream from its present position on. No other reader may use it meanwhile."""

    def __init__(self, stream: BinaryIO, filename: str) -> None:
        self._stream = stream
        self._began = stream.tell()
        self._turn = threading.Lock()
        size = stream.seek(0, os.SEEK_END) - self._began
        stream.seek(self._began)
        super().__init__(filename, self._read, size=size)

    def _read(self, offset: int) -> Iterator[bytes]:
        while True:
            with self._turn:
                self._stream.seek(self._began + offset)
                piece = next(_pieces(self._stream), b"")
            if not piece:
                return
            yield piece
            offset += len(piece)
