"""multipart/form-data, read piece by piece: fields are kept, the file is handed on as it arrives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from python_multipart.multipart import MultipartParser, parse_options_header

_FIELD_LIMIT = 64 * 1024


class FileSink(Protocol):
    """Destination of the bytes of the part named `file`."""

    def open(self, fields: dict[str, str]) -> None:
        """Begin a file; `fields` are those that stood before it."""

    def write(self, data: bytes) -> None:
        """Add the next bytes."""

    def close(self) -> None:
        """End the file; it is whole."""


class FormStream:
    """A form that is fed the body in pieces of any size.

    Attributes:
        fields: what has been read so far, without files.
        ended: whether the closing boundary was seen.

    Raises:
        ValueError: no boundary, a malformed body (also from `feed`), or a field beyond 64 KiB.
    """

    def __init__(self, content_type: str, sink: FileSink | None = None) -> None:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise ValueError("no boundary")
        self.fields: dict[str, str] = {}
        self.ended = False
        self._sink = sink
        self._header, self._value, self._disposition = bytearray(), bytearray(), b""
        self._name, self._data, self._is_file, self._file_seen = "", bytearray(), False, False
        self._parser = MultipartParser(boundary, self._callbacks())  # type: ignore[arg-type]  # a TypedDict
        self.feed: Callable[[bytes], int] = self._parser.write

    def _callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._disposition, self._data = b"", bytearray()

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        options = parse_options_header(self._disposition)[1]
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._is_file = self._name == "file" or b"filename" in options
        if self._is_first_file():
            self._sink.open(dict(self.fields))  # type: ignore[union-attr]

    def _is_first_file(self) -> bool:
        return self._is_file and self._name == "file" and self._sink is not None and not self._file_seen

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_first_file():
            self._sink.write(data[start:end])  # type: ignore[union-attr]
        elif not self._is_file:
            self._data.extend(data[start:end])
            if len(self._data) > _FIELD_LIMIT:
                raise ValueError("a field is too long")

    def _part_end(self) -> None:
        if self._is_first_file():
            self._sink.close()  # type: ignore[union-attr]
            self._file_seen = True
        elif not self._is_file and not self._file_seen:
            # Only fields before the file: S3 ignores what follows it.
            self.fields[self._name] = self._data.decode("utf-8", "replace")

    def _end(self) -> None:
        self.ended = True


def read_fields(content_type: str, body: bytes) -> dict[str, str]:
    """Read the fields of a small multipart body; its files are ignored, a malformed one has no fields."""
    try:
        form = FormStream(content_type)
        form.feed(body)
    except ValueError:
        return {}
    return form.fields
