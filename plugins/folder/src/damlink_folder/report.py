"""Reports beside the files, for people who see the folder and not the portal."""

from __future__ import annotations

import csv
import io
import json

import attrs

from damlink import Context, SourceAsset
from damlink_folder.api import Folder
from damlink_folder.names import CSV_REPORT, JSON_REPORT, join, printable, split_name, to_path

__all__ = ["Line", "write"]

_COLUMNS = ("file", "state", "asset", "url", "problem", "time")


@attrs.frozen
class Line:
    """Result for one file.

    Attributes:
        asset: id of the asset in the portal.
    """

    state: str
    asset: str = ""
    url: str = ""
    problem: str = ""


def write(ctx: Context, folder: Folder, source: SourceAsset, place: str, line: Line) -> None:
    """Report a result in the form that the settings choose. Safe to repeat."""
    name = printable(split_name(to_path(source))[1])
    values = {"file": name} | attrs.asdict(line) | {"time": ctx.now().isoformat(timespec="seconds")}
    if ctx.settings.report == "json":
        folder.write(
            f"{place}{JSON_REPORT}", json.dumps(values, indent=2, ensure_ascii=False).encode() + b"\n"
        )
    elif ctx.settings.report == "csv":
        _write_row(folder, split_name(to_path(source))[0], values)


def _write_row(folder: Folder, where: str, values: dict[str, str]) -> None:
    path = join(where, CSV_REPORT)
    with folder.lock(where):
        rows = _read_rows(b"".join(folder.read(path))) if folder.find(path) else {}
        rows[values["file"]] = values
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, _COLUMNS, extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows({name: _harmless(cell) for name, cell in row.items()} for row in rows.values())
        folder.write(path, text.getvalue().encode())


def _read_rows(data: bytes) -> dict[str, dict[str, str]]:
    """Return the rows of a report by file; none of a file that is no longer a report."""
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    except (UnicodeDecodeError, csv.Error):
        return {}
    found = [{name: cell for name, cell in row.items() if name in _COLUMNS and cell} for row in rows]
    return {row["file"].removeprefix("'"): row for row in found if "file" in row}


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
