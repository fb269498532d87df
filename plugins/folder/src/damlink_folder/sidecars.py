"""Metadata beside the files: a JSON object for one file, or the row of a CSV file of its folder."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import attrs

from damlink_folder.api import Entry, Folder
from damlink_folder.names import join, split_name
from damlink_folder.settings import FolderSettings

__all__ = ["Metadata", "Sidecars", "own_sidecars"]

_JSON_BYTES: Final = 32 * 1024
_CSV_BYTES: Final = 16 * 1024 * 1024
# The ledger keeps the record of an asset, and takes 64 KiB.
_ROW_BYTES: Final = 48 * 1024

Values = Mapping[str, Any]


@attrs.frozen
class Metadata:
    """Metadata of one file.

    Attributes:
        values: by the name of the field.
        problem: why it cannot be read; empty if it can.
        entries: the files that it is from.
    """

    values: Values = attrs.Factory(dict)
    problem: str = ""
    entries: tuple[Entry, ...] = ()


class _UnreadableError(Exception):
    """A file of metadata that is not in its form."""


def own_sidecars(path: str) -> tuple[str, str]:
    """Return the paths of the two possible JSON files of a file, the one with its extension first."""
    folder, name = split_name(path)
    stem = name.rpartition(".")[0] or name
    return join(folder, f"{name}.json"), join(folder, f"{stem}.json")


class Sidecars:
    """Metadata of the files of one folder. Each CSV file is read once.

    Args:
        path: of the folder.
        names: of the files in it.
    """

    def __init__(self, folder: Folder, settings: FolderSettings, path: str, names: Collection[str]) -> None:
        self._folder, self._settings = folder, settings
        self._names = frozenset(names)
        self._tables = [
            self._read_table(join(path, name))
            for name in sorted(self._names)
            if name.lower().endswith(".csv")
        ]

    def metadata(self, path: str) -> Metadata:
        """Return the metadata of a file: its own JSON file comes before the rows of CSV files."""
        name = split_name(path)[1]
        found = [table.metadata(name) for table in self._tables]
        own = (each for each in own_sidecars(path)[::-1] if _name(each) in self._names)
        found += map(self._read_object, own)
        values: dict[str, Any] = {}
        for each in found:
            values |= each.values
        problem = next((each.problem for each in found if each.problem), "")
        return Metadata(values, problem, tuple(entry for each in found for entry in each.entries))

    def _read_object(self, path: str) -> Metadata:
        entry = self._folder.find(path)
        if entry is None:
            return Metadata()
        try:
            values = json.loads(_read_text(self._folder, entry, _JSON_BYTES), parse_constant=_reject_constant)
        except (ValueError, RecursionError, _UnreadableError) as error:
            return Metadata(problem=f"{_name(path)}: {error}", entries=(entry,))
        if not isinstance(values, dict):
            return Metadata(problem=f"{_name(path)}: is no JSON object", entries=(entry,))
        return Metadata(values, entries=(entry,))

    def _read_table(self, path: str) -> _Table:
        entry = self._folder.find(path)
        if entry is None:
            return _Table({}, "", ())
        try:
            text = _read_text(self._folder, entry, _CSV_BYTES)
            rows = dict(_read_rows(text, self._settings.file_column))
        except (csv.Error, _UnreadableError) as error:
            return _Table({}, f"{_name(path)}: {error}", (entry,))
        return _Table(rows, "", (entry,))


@attrs.frozen
class _Table:
    """Rows of a CSV file, by the name of the file that each is about."""

    rows: Mapping[str, Values]
    problem: str
    entries: tuple[Entry, ...]

    def metadata(self, name: str) -> Metadata:
        """Return the row of a file. A table that cannot be read concerns every file of its folder."""
        if self.problem or name in self.rows:
            return Metadata(self.rows.get(name, {}), self.problem, self.entries)
        return Metadata()


def _read_text(folder: Folder, entry: Entry, most: int) -> str:
    """Return the text of a file of limited size."""
    if entry.size > most:
        raise _UnreadableError(f"has {entry.size} bytes; {most} are the most")
    data = b"".join(folder.read(entry.path))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _UnreadableError("is not UTF-8") from error


def _read_rows(text: str, column: str) -> Iterator[tuple[str, Values]]:
    """Yield the rows of a CSV text, each with the file that it is about."""
    head = text.partition("\n")[0]
    # Spreadsheets write semicolons where a comma is the decimal point.
    delimiter = max(",;\t", key=head.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="", strict=True)
    if column not in (rows.fieldnames or ()):
        raise _UnreadableError(f"has no column {column!r}")
    for row in rows:
        values = {name: cell for name, cell in row.items() if name and name != column and cell}
        if len(json.dumps(values)) > _ROW_BYTES:
            raise _UnreadableError(f"line {rows.line_num} is longer than {_ROW_BYTES} bytes")
        if row[column]:
            yield row[column], values


def _reject_constant(text: str) -> None:
    raise _UnreadableError(f"{text} is no number of JSON")


def _name(path: str) -> str:
    return split_name(path)[1]
