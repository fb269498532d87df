"""Secrets that cannot be printed by accident, and the one function that redacts them in a text."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final

__all__ = ["REDACTED", "Revealed", "Secret", "forget_revealed", "redact", "redact_bytes"]

REDACTED: Final = "**redacted**"
# Distinct secrets of one process. Access tokens are renewed, so that their number grows without a limit.
MOST_REMEMBERED: Final = 200
# Characters. To replace a shorter secret would make every text unreadable.
SHORTEST: Final = 4
# Characters. A shorter secret is replaced as a whole word only.
SHORTEST_ANYWHERE: Final = 8
SHORTEST_BASE64: Final = 6  # characters of a secret's own in a Base64 text

_PERCENT: Final = re.compile(r"%[0-9A-F]{2}")
_Replace = Callable[[str], str]


class Secret:
    """A secret string: prints as `**redacted**`; `reveal()` opens it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself. Call it where it is sent, and nowhere else.

        From then on `redact` takes it out of every error, log line, record and notification.
        """
        _revealed.note(self._value)
        return self._value

    def __repr__(self) -> str:
        return REDACTED

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)


def redact(text: str) -> str:
    """Return the text with every revealed secret replaced by `**redacted**`.

    Found as they are, URL-encoded, escaped for JSON, HTML and Python, and within Base64, such as the
    `user:password` of a Basic header. Redact before a text is shortened: a secret cut in half is not found.
    """
    return _revealed.redact(text)


def redact_bytes(data: bytes) -> bytes:
    """Return bytes of whatever encoding with every revealed secret replaced."""
    return redact(data.decode("latin-1")).encode("latin-1")


def forget_revealed() -> None:
    """Forget which secrets were revealed, so that one test does not see those of another."""
    _revealed.clear()


class Revealed:
    """Secrets that were revealed; the oldest are forgotten first."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._replacements: OrderedDict[str, tuple[tuple[str, _Replace], ...]] = OrderedDict()
        self._ordered: tuple[_Replace, ...] = ()

    def note(self, value: str) -> None:
        """Remember a secret."""
        with self._lock:
            if value in self._replacements:
                self._replacements.move_to_end(value)
                return
            if len(value) < SHORTEST:
                return
            self._replacements[value] = tuple((form, _replacement(form)) for form in _forms(value))
            while len(self._replacements) > self._most:
                self._replacements.popitem(last=False)
            self._order()

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._replacements.clear()
            self._ordered = ()

    def redact(self, text: str) -> str:
        """Return the text without the secrets."""
        for replace in self._ordered:
            text = replace(text)
        return text

    def _order(self) -> None:
        """Put the longest form first: a secret may be part of another."""
        every = [each for forms in self._replacements.values() for each in forms]
        self._ordered = tuple(replace for _, replace in sorted(every, key=lambda each: -len(each[0])))


_revealed: Final = Revealed()


def _replacement(form: str) -> _Replace:
    if len(form) >= SHORTEST_ANYWHERE:
        return lambda text: text.replace(form, REDACTED)
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(form)}(?![A-Za-z0-9])")
    return lambda text: word.sub(REDACTED, text) if form in text else text


def _forms(value: str) -> set[str]:
    """Return all the ways in which a secret may be written."""
    written = {value, " ".join(value.split()), *_escapes(value), *_within_base64(value)}
    written |= {form for each in tuple(written) for form in _url_encoded(each)}
    return {form for form in written if len(form) >= SHORTEST}


def _escapes(value: str) -> Iterator[str]:
    # Imported here, because most commands reveal no secret and must start fast.
    import html
    import json

    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    # PHP escapes the slash in JSON.
    yield json.dumps(value)[1:-1].replace("/", r"\/")
    yield html.escape(value)
    yield repr(value)[1:-1]
    yield repr(value.encode("utf-8", "replace"))[2:-1]


def _url_encoded(value: str) -> Iterator[str]:
    from urllib.parse import quote, quote_plus

    for encoded in (
        quote(value, errors="replace"),
        quote(value, "", errors="replace"),
        quote_plus(value, errors="replace"),
    ):
        yield encoded
        yield _PERCENT.sub(lambda match: match[0].lower(), encoded)


def _within_base64(value: str) -> Iterator[str]:
    """Return what a secret contributes to the Base64 of any text that holds it, such as `user:password`.

    Three bytes become four characters, so that it depends on where the secret begins; the characters at
    its ends belong to its neighbours, too, and are left out.
    """
    import base64
    from urllib.parse import quote_plus

    for text in {value, quote_plus(value, errors="replace")}:
        data = text.encode("utf-8", "replace")
        for before in range(3):
            whole = base64.b64encode(b"\0" * before + data).decode()
            first = -(-before * 8 // 6)
            own = whole[first : (before + len(data)) * 8 // 6]
            if len(own) >= SHORTEST_BASE64:
                yield own
                yield own.replace("+", "-").replace("/", "_")
