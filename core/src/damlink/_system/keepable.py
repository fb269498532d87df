"""Values that a database can store: text without NUL and half surrogates, JSON, finite numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from typing import Any, Final

import attrs

__all__ = [
    "MAX_KEY_BYTES",
    "MAX_TEXT",
    "REPLACEMENT",
    "NotKeepableError",
    "clean",
    "describe",
    "is_key",
    "nearest_json",
    "plain_json",
    "quote",
    "seconds",
    "shorten",
    "show",
    "strict_json",
]

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
MAX_TEXT: Final = 4000  # characters of a reason, an error or a notice
# PostgreSQL's index takes 2,704 bytes for all columns of a key.
MAX_KEY_BYTES: Final = 1024
MAX_DEPTH: Final = 64  # levels of JSON
# Python refuses to write integers of more than 4,300 digits.
MAX_INTEGER_BITS: Final = 1024
MAX_WAIT: Final = timedelta(days=30)
NOT_FINITE: Final = "is no finite number"
SHOWN: Final = 80  # characters of a value in an error

_ATOMS: Final = (str, bool, int, float, type(None))
_PLAIN: Final = json.JSONEncoder(allow_nan=False)
# Digits of the smallest number that may be too large, and a table that makes all digits alike.
_LARGE: Final = b"0" * len(str(1 << MAX_INTEGER_BITS))
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_HINTS: Final = ((date | time, "write its isoformat()"), (bytes | bytearray, "write its hex()"))


class NotKeepableError(TypeError):
    """A value cannot be stored; the message names its place and what to write instead."""


def clean(text: str) -> str:
    """Return a text with U+FFFD for every NUL and half surrogate; two matching halves are joined."""
    plain = str.__str__(text).replace("\0", REPLACEMENT)
    if plain.isascii():
        return plain
    try:
        plain.encode()
    except UnicodeEncodeError:
        return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return plain


def shorten(text: str, limit: int = MAX_TEXT) -> str:
    """Return a clean text of at most so many characters; an ellipsis marks a cut."""
    return clean(text if len(text) <= limit else f"{text[: limit - 1]}…")


def is_key(text: object) -> bool:
    """Return whether a value can be a key: a text that is stored unchanged and fits in an index."""
    return isinstance(text, str) and 0 < len(text) <= MAX_KEY_BYTES and _fits(text)


def _fits(text: str) -> bool:
    return clean(text) == text and len(text.encode()) <= MAX_KEY_BYTES


def describe(error: BaseException) -> str:
    """Return the text of an exception, even if its `__str__` raises."""
    try:
        return shorten(str(error))
    except Exception:  # noqa: BLE001 - the text of a foreign exception is made by foreign code
        return "no description"


def show(value: object) -> str:
    """Return a value for an error message: its type and its beginning."""
    return "None" if value is None else f"{type(value).__name__} {quote(value)}"


def quote(value: object) -> str:
    """Return the beginning of a value's `repr`, even if that raises."""
    try:
        return shorten(repr(value[:SHOWN] if isinstance(value, str) else value), SHOWN)
    except Exception:  # noqa: BLE001 - the `repr` of a foreign object is made by foreign code
        return "…"


def seconds(value: object) -> float | None:
    """Return a wait in seconds between zero and thirty days; `None` if it is not a number."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    return float(min(max(value, 0), MAX_WAIT.total_seconds()))


# --- JSON ------------------------------------------------------------------------------------------


def plain_json(value: Any) -> str | None:
    """Return the JSON text of a value that `strict_json` would copy unchanged.

    A quick check of ordinary values. `None` means that `strict_json` must look at the value: also at text
    beyond Unicode's basic plane, and at more objects and lists than may be nested.
    """
    try:
        text = _PLAIN.encode(value)
    except (TypeError, ValueError, RecursionError):
        return None
    if text.count("{") + text.count("[") > MAX_DEPTH or "\\u0000" in text or "\\ud" in text:
        return None
    has_large = len(text) >= len(_LARGE) and _LARGE in text.encode().translate(_DIGITS)
    return None if has_large else text


def strict_json(value: Any, place: str, text: Callable[[str], str] = clean) -> Any:
    """Return a copy that JSON can represent, with clean text, and null for numbers that are not finite.

    Args:
        text: applied to each text; by default it removes characters that a database cannot store.

    Raises:
        NotKeepableError: a part of it is not JSON; the message names the part and what to write instead.
    """

    def refuse(odd: Any, place: str, problem: str) -> Any:
        if problem == NOT_FINITE:
            return None
        hint = next((hint for kinds, hint in _HINTS if isinstance(odd, kinds)), "write JSON values")
        raise NotKeepableError(f"{place} {problem or f'is {show(odd)}'}; {hint}")

    return _Copier(refuse, text).copy(value, place)


def nearest_json(value: Any, place: str) -> tuple[Any, list[str]]:
    """Return a copy that JSON can represent, and the places where it differs; other values become text."""
    changed: list[str] = []

    def replace(odd: Any, place: str, problem: str) -> Any:
        changed.append(place)
        if problem:
            return None if problem == NOT_FINITE else problem
        return odd.isoformat() if isinstance(odd, date | time) else _text_of(odd)

    return _Copier(replace, clean).copy(value, place), changed


def _text_of(value: Any) -> str:
    try:
        return shorten(str(value))
    except Exception:  # noqa: BLE001 - foreign code
        return type(value).__name__


@attrs.frozen
class _Copier:
    """Copier of JSON values.

    Attributes:
        on_odd: called with a value that is not JSON, its place and the problem; returns a replacement.
    """

    on_odd: Callable[[Any, str, str], Any]
    text: Callable[[str], str]

    def copy(self, value: Any, place: str, depth: int = 0) -> Any:
        if isinstance(value, _ATOMS):
            return self._atom(value, place)
        if depth > MAX_DEPTH:
            return self.on_odd(None, place, f"has more than {MAX_DEPTH} levels")
        if isinstance(value, Mapping):
            pairs = ((self._key(key, place), each) for key, each in value.items())
            return {key: self.copy(each, f"{place}.{key}"[:200], depth + 1) for key, each in pairs}
        if isinstance(value, list | tuple):
            return [self.copy(each, f"{place}[{at}]"[:200], depth + 1) for at, each in enumerate(value)]
        return self.on_odd(value, place, "")

    def _atom(self, value: Any, place: str) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else self.on_odd(None, place, NOT_FINITE)
        large = value.bit_length() > MAX_INTEGER_BITS
        return self.on_odd(None, place, "is too large a number") if large else int(value)

    def _key(self, key: Any, place: str) -> str:
        if isinstance(key, str):
            return self.text(key)
        if key is None or isinstance(key, bool):
            return {None: "null", True: "true", False: "false"}[key]
        if isinstance(key, int | float):
            return str(key)
        return self.text(str(self.on_odd(key, f"{place}: the key", "")))
