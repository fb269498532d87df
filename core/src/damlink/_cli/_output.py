"""Output of results: lines and tables for people, JSON for programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

import click

from damlink._system.printable import json_escaped, one_line, printable

__all__ = [
    "assets_text",
    "bytes_text",
    "echo",
    "echo_text",
    "end_now",
    "moment_text",
    "print_json",
    "print_json_lines",
    "print_secret",
    "print_table",
    "seconds_text",
    "text_of",
]


def echo_text(text: str, *, err: bool = False, mark: str = "", **style: Any) -> None:
    """Write a text of several lines, with control characters made harmless.

    Args:
        mark: our own text before it, which may contain colours.
        style: of the whole text, as for `click.style`.
    """
    shown = printable(text)
    click.echo(f"{mark}{click.style(shown, **style) if any(style.values()) else shown}", err=err)


def echo(text: str = "", *, err: bool = False, mark: str = "", **style: Any) -> None:
    """Write one line; a line break in it is replaced, so that a title cannot look like two lines."""
    echo_text(one_line(text), err=err, mark=mark, **style)


def end_now(code: int) -> NoReturn:
    """End the process although threads of it hang; nothing may be left to write but its output."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def print_secret(text: str) -> None:
    """Write what a person is shown this once, as it is: it looks like what is redacted."""
    click.echo(text)


def print_json(value: Any) -> None:
    """Write one JSON document to stdout."""
    click.echo(_json_text(value, indent=2))


def print_json_lines(values: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object per line to stdout."""
    for value in values:
        click.echo(_json_text(value))


def _json_text(value: Any, indent: int | None = None) -> str:
    """Return JSON with letters unescaped, unless the encoding of stdout cannot represent them."""
    import json

    text = json.dumps(value, indent=indent, default=str, ensure_ascii=False)
    text = json_escaped(text)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent, default=str)
    return text


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, err: bool = False) -> None:
    """Write a table with aligned columns; the last one is not padded."""
    lines = [list(head), *([one_line(str(cell)) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for number, line in enumerate(lines):
        padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        text = "  ".join(padded).rstrip()
        echo(text, err=err, bold=number == 0)


def assets_text(count: int) -> str:
    """Return a number of assets in words."""
    return "1 asset" if count == 1 else f"{count} assets"


def bytes_text(count: int) -> str:
    """Return a number of bytes in the largest fitting unit, powers of 1000."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def text_of(value: Any) -> str:
    """Return a value as text: a table as `name value, …`, an empty value as `-`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {text_of(each)}" for key, each in value.items()) or "-"
    if isinstance(value, datetime):
        return f"{moment_text(value)} UTC"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in (None, "") else str(value)


def seconds_text(seconds: float) -> str:
    """Return a duration as text, such as `4 min 7 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def moment_text(moment: datetime | None) -> str:
    """Return a moment to the second, in UTC; `-` for `None`."""
    return moment.strftime("%Y-%m-%d %H:%M:%S") if moment else "-"
