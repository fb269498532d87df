"""How results are written: lines and tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from damlink._system.printable import json_escaped, one_line, printable

__all__ = [
    "assets_text",
    "bytes_text",
    "echo",
    "echo_text",
    "moment_text",
    "print_json",
    "print_json_lines",
    "print_table",
    "seconds_text",
    "text_of",
]


def echo_text(text: str, *, err: bool = False, mark: str = "", **style: Any) -> None:
    """Write a text of several lines for people; nothing in it can command the terminal.

    Args:
        mark: stands before the text and may hold colours: ours alone.
        style: of the whole text, as `click.style` takes it.
    """
    shown = printable(text)
    click.echo(f"{mark}{click.style(shown, **style) if any(style.values()) else shown}", err=err)


def echo(text: str = "", *, err: bool = False, mark: str = "", **style: Any) -> None:
    """Write one line for people: a title with a line break in it must not look like two."""
    echo_text(one_line(text), err=err, mark=mark, **style)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(_json_text(value, indent=2))


def print_json_lines(values: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line on stdout."""
    for value in values:
        click.echo(_json_text(value))


def _json_text(value: Any, indent: int | None = None) -> str:
    """Return JSON with its letters as they are, escaped only where stdout cannot write them."""
    text = json.dumps(value, indent=indent, default=str, ensure_ascii=False)
    text = json_escaped(text)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent, default=str)
    return text


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, err: bool = False) -> None:
    """Columns under their heads; the last one as long as it is."""
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
    """Bytes in the unit that suits them, powers of 1000."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def text_of(value: Any) -> str:
    """Return a value in words: a table as `name value, …`, and `-` for nothing."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {text_of(each)}" for key, each in value.items()) or "-"
    if isinstance(value, datetime):
        return f"{moment_text(value)} UTC"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in (None, "") else str(value)


def seconds_text(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def moment_text(moment: datetime | None) -> str:
    """A moment to the second, UTC."""
    return moment.strftime("%Y-%m-%d %H:%M:%S") if moment else "-"
