"""Output of API calls for programs: JSON, JSON lines, or bytes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import attrs
import click

from damlink._cli._output import print_json, print_json_lines
from damlink._content import Content
from damlink._secret import redact, redact_bytes
from damlink._system.disk import cure_of, naming
from damlink._system.printable import printable
from damlink._system.whole_file import replacing

__all__ = ["to_json", "write"]


def write(answer: Any, output: Path | None) -> None:
    """Write an answer to stdout, or its bytes to a file.

    A single value is written as one JSON document, a list as one JSON value per line, `None` not at all.

    Args:
        output: the file for bytes.
    """
    if answer is None:
        return
    if isinstance(answer, Content):
        with contextlib.closing(answer):
            _write_bytes(answer.open(), output)
    elif isinstance(answer, bytes):
        _write_bytes([answer], output)
    elif isinstance(answer, Iterator | list | tuple):
        print_json_lines(to_json(each) for each in answer)
    else:
        print_json(to_json(answer))


def write_raw(body: Any, output: Path | None, *, refused: bool = False) -> None:
    """Write the body of a raw answer: text unchanged, JSON as one document.

    Args:
        refused: the answer is an error, whose body may repeat our credentials and is redacted.
    """
    if isinstance(body, str):
        shown = printable(redact(body)) if output is None and sys.stdout.isatty() else redact(body)
        _write_bytes([shown.encode()], output, is_text=True)
    elif isinstance(body, bytes):
        _write_bytes([redact_bytes(body) if refused else body], output)
    elif body is not None:
        print_json(body)


def to_json(value: Any) -> Any:
    """Return a result as JSON: the portal's own record with the id, if the result has it, else all fields.

    A set is sorted, so that equal answers are written alike.
    """
    if attrs.has(type(value)):
        raw = getattr(value, "raw", None)
        if raw:
            return dict(raw) | ({"id": value.id} if hasattr(value, "id") else {})
        return {field.name: to_json(getattr(value, field.name)) for field in attrs.fields(type(value))}
    if isinstance(value, Mapping):
        return {str(name): to_json(inner) for name, inner in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(to_json(each) for each in value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [to_json(each) for each in value]
    return value


def _write_bytes(pieces: Iterable[bytes], output: Path | None, *, is_text: bool = False) -> None:
    if output is not None:
        _write_file(pieces, output)
        return
    # Bytes of a file on a terminal would be executed as control sequences.
    if sys.stdout.isatty() and not is_text:
        raise click.UsageError("This is a file, and stdout is a terminal: name a file with --output")
    with naming("standard output"):
        sys.stdout.flush()
        sys.stdout.buffer.writelines(pieces)
        sys.stdout.buffer.flush()


def _write_file(pieces: Iterable[bytes], path: Path) -> None:
    try:
        with replacing(path) as file:
            file.writelines(pieces)
    except OSError as error:
        hint = f"{error.strerror}; {cure_of(error, 'name another file')}"
        raise click.FileError(str(path), hint) from error
