"""Verification of an opened secret: one line of text, or an error that does not contain it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from damlink.errors import ConfigError

__all__ = ["check_opened", "without_line_break"]

_NAMES: Final = {"\n": "a line break", "\r": "a line break", "\t": "a tab", "\0": "a NUL character"}
# Control characters, half surrogates, and breaks of lines and paragraphs.
_REFUSED: Final = (
    "Cc",
    "Cs",
    "Zl",
    "Zp",
)
_BYTE_ORDER_MARK: Final = "\ufeff"
_ONE_LINE_BREAK: Final = re.compile(r"\r?\n\Z")


def without_line_break(text: str) -> str:
    """Drop one line break at the end: an editor, or `echo`, has written it into the file."""
    return _ONE_LINE_BREAK.sub("", text, count=1)


def check_opened(value: str, place: str) -> str:
    """Return a secret as it was opened.

    Raises:
        ConfigError: it is empty, or holds a character that neither a header nor a form carries unchanged.
    """
    if not value:
        raise ConfigError(place, "the secret is empty", hint="store its value, then try again")
    for position, character in enumerate(value):
        if unicodedata.category(character) in _REFUSED or character == _BYTE_ORDER_MARK:
            name = _NAMES.get(character, f"the character U+{ord(character):04X}")
            where = _where(position, len(value))
            hint = "store it again without that character, such as with `printf %s` in place of `echo`"
            raise ConfigError(place, f"the secret holds {name} {where}", hint=hint)
    return value


def _where(position: int, length: int) -> str:
    if position == length - 1:
        return "at its end"
    return "at its beginning" if position == 0 else "within it"
