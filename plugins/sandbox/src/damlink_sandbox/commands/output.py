"""Lines and JSON on the terminal."""

from __future__ import annotations

import json
import re
import sys
from typing import Any, Final

import click

__all__ = ["CommandError", "echo", "echo_text", "print_json"]

# Control characters, and those that change the direction of writing: file names may contain them.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


class CommandError(click.ClickException):
    """Failure that a person can mend: one line, exit code 3."""

    exit_code = 3


def echo_text(text: str, *, err: bool = False) -> None:
    """Write a text of several lines; control characters are written out."""
    click.echo(_UNPRINTABLE.sub(_escape, text), err=err)


def echo(text: str, *, err: bool = False) -> None:
    """Write one line."""
    echo_text(" ".join(text.splitlines()).replace("\t", " "), err=err)


def print_json(value: Any) -> None:
    """Write one JSON document to stdout."""
    text = json.dumps(value, indent=2, default=str, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2, default=str)
    click.echo(text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
