"""Content of a raw request: JSON, a text, bytes, a file, or a form with files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, TypedDict

from damlink._system.disk import cure_of
from damlink.bynder._fields import text_of
from damlink.errors import ArgumentError

__all__ = ["RawContent", "encode_content"]

PIECE_BYTES: Final = 256 * 1024

FormValue = str | int | float | bool | Sequence[Any] | Mapping[str, Any] | None
_File = tuple[str, tuple[str | None, bytes | BinaryIO]]


class RawContent(TypedDict, total=False):
    """Content of a raw request.

    Args:
        json: content to send as JSON.
        body: content to send unchanged; set the header `Content-Type` to its type.
        body_file: file of any size to send unchanged; set the header `Content-Type` to its type.
        form: fields to send as a form; a field may have several values.
        files: paths of files to send in a multipart form, by the name of the field.
        filenames: names under which the files are sent, by the name of the field and in the same order.
    """

    json: Any
    body: str | bytes | None
    body_file: Path | None
    form: Mapping[str, FormValue] | None
    files: Mapping[str, Path | Sequence[Path]] | None
    filenames: Mapping[str, str | Sequence[str]] | None


def encode_content(
    open_files: contextlib.ExitStack, content: RawContent, *, multipart: bool
) -> dict[str, Any]:
    """Return the content of a request as arguments of httpx.

    Args:
        open_files: keeps the files of a form open during the request.

    Raises:
        ArgumentError: more than one content is given, or a file cannot be read.
    """
    json, body, body_file = content.get("json"), content.get("body"), content.get("body_file")
    form, opened = content.get("form"), _files(content.get("files"), content.get("filenames"), open_files)
    given = {"json": json, "body": body, "body file": body_file, "form": form or opened or None}
    chosen = [name for name, value in given.items() if value is not None]
    if len(chosen) > 1:
        raise ArgumentError(f"a request has one content, not {' and '.join(chosen)}")
    if body_file is not None:
        return {"content": _FileBody(body_file), "headers": {"Content-Length": str(_size(body_file))}}
    if body is not None:
        return {"content": body}
    return {"json": json} if json is not None else _form(form or {}, opened, multipart=multipart)


def _form(form: Mapping[str, FormValue], files: Sequence[_File], *, multipart: bool) -> dict[str, Any]:
    pairs = [(name, text) for name, value in form.items() for text in _texts(value)]
    if multipart:
        # httpx sends multipart/form-data only if there are files; a part without a file name is a field.
        fields: list[_File] = [(name, (None, text.encode())) for name, text in pairs]
        return {"files": [*fields, *files]} if fields or files else {}
    data: dict[str, list[str]] = {}
    for name, text in pairs:
        data.setdefault(name, []).append(text)
    return {"data": data, "files": files}


def _texts(value: FormValue) -> Iterator[str]:
    """Yield the values of one field; a field without a value is not sent."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        yield from (text_of(each) for each in value)
    elif value is not None:
        yield text_of(value)


def _files(
    given: Mapping[str, Path | Sequence[Path]] | None,
    filenames: Mapping[str, str | Sequence[str]] | None,
    open_files: contextlib.ExitStack,
) -> list[_File]:
    """Open the files of a multipart form; they keep their names unless others are given."""
    paths = {field: [Path(each) for each in _several(value)] for field, value in (given or {}).items()}
    names = {field: _several(value) for field, value in (filenames or {}).items()}
    if strangers := sorted(names.keys() - paths.keys()):
        raise ArgumentError(f"a file name is given for {', '.join(strangers)}, and no file")
    return [
        (field, (name, open_files.enter_context(_open(path))))
        for field, each in paths.items()
        for path, name in zip(each, _names(field, each, names.get(field)), strict=True)
    ]


def _names(field: str, paths: Sequence[Path], given: Sequence[str] | None) -> Sequence[str]:
    if given is not None and len(given) != len(paths):
        raise ArgumentError(f"{field} has {len(paths)} files and {len(given)} file names")
    return given if given is not None else [path.name for path in paths]


def _several(value: Any) -> list[Any]:
    return [value] if isinstance(value, str | Path) else [*value]


@contextlib.contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    with _explain_errors(path), path.open("rb") as file:
        yield file


def _size(path: Path) -> int:
    with _explain_errors(path):
        return path.stat().st_size


@contextlib.contextmanager
def _explain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArgumentError(f"cannot read {path}: {error.strerror}", hint=cure_of(error)) from error


class _FileBody:
    """The bytes of a file, from its beginning each time that a request is sent."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        with _open(self._path) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece
