"""Text from outside, made safe for a terminal."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["json_escaped", "one_line", "printable"]

# Controls other than tab and line feed, and characters that change the writing direction or begin a line.
_ORDERS: Final = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNPRINTABLE: Final = re.compile(f"[\x00-\x08\x0b-\x1f{_ORDERS}]")
_IN_JSON: Final = re.compile(f"[{_ORDERS}]")  # JSON escapes the other ones


def printable(text: str) -> str:
    r"""Return a text with every control character escaped, such as `\x1b`; line feeds and tabs stay."""
    return _UNPRINTABLE.sub(_escape, text)


def one_line(text: str) -> str:
    """Return a printable text without line breaks, so that a title cannot look like a line of output."""
    return printable(" ".join(text.splitlines()).replace("\t", " "))


def json_escaped(text: str) -> str:
    """Return JSON text with the control characters escaped that JSON permits."""
    return _IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
