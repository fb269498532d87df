"""Removal of what no stranger may read from texts: secrets, known or not, and the names of assets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from damlink._http.redact import is_secret_name
from damlink._secret import REDACTED, Revealed

__all__ = ["Scrubber"]

LEFT_OUT: Final = "…"
MOST_SECRETS: Final = 10_000
# Characters. Shorter titles are words that occur anywhere.
SHORTEST_NAME: Final = 4
_SECRET_NAME: Final = (
    r"[\w.-]*(?:auth|cookie|pass|secret|token|signature|credential|policy"
    r"|access.?key|api.?key|assertion)[\w.-]*"
)
# What the secrets of others look like that are not known: headers, parameters, members of JSON, and tokens.
_LOOKS_SECRET: Final = (
    re.compile(r"(?P<kept>\b(?:authorization|cookie|set-cookie)\b[\"']?[ \t]*[:=]).*", re.IGNORECASE),
    re.compile(r"(?P<kept>\b(?:bearer|basic|oauth)[ \t]+)[^\s,;'\"]{4,}", re.IGNORECASE),
    re.compile(
        rf"(?P<kept>{_SECRET_NAME}[\"']?[ \t]*[:=][ \t]*)(?:\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[^\s,;&\"']+)",
        re.IGNORECASE,
    ),
    re.compile(r"(?P<kept>://)[^\s@\"'<>]*@"),
    re.compile(r"(?P<kept>/[^\s?\"'<>]*\?)[^\s\"'<>]+"),
    re.compile(r"(?P<kept>)(?=[A-Za-z_+=-]*\d)(?=[\d_+=-]*[A-Za-z])[A-Za-z0-9_+=-]{20,}"),
)
_QUOTED: Final = re.compile(r"(?<!\w)'[^'\n]*'(?!\w)|\"[^\"\n]*\"|“[^”\n]*”|«[^»\n]*»")
_FILE_NAME: Final = re.compile(
    r"[^\s/\\:'\"<>|]+\.(?:jpe?g|png|gif|webp|tiff?|bmp|svg|eps|ai|psd|indd|heic|avif|raw|dng|cr2|nef|arw|pdf|docx?|"
    r"xlsx?|pptx?|txt|csv|xml|html?|zip|mp4|mov|m4v|avi|mkv|webm|mpe?g|mp3|wav|aac|flac|otf|ttf)\b",
    re.IGNORECASE,
)


class Scrubber:
    """Removes secrets from all texts, and names of assets from free ones."""

    def __init__(self) -> None:
        self._secrets = Revealed(MOST_SECRETS)
        self._words: frozenset[str] = frozenset()
        self._names: list[str] = []

    def note_secrets(self, secrets: Iterable[str]) -> None:
        """Remember secrets; of a value with several lines each line is one, too."""
        for each in secrets:
            for part in {each, each.strip(), *each.splitlines()}:
                self._secrets.note(part)

    def keep_words(self, words: Iterable[str]) -> None:
        """Remember words that may stand in quotes, such as names of connectors."""
        self._words |= frozenset(words)

    def note_names(self, names: Iterable[str]) -> None:
        """Set the titles and ids of assets, which are left out of free texts."""
        known = {each for each in names if len(each) >= SHORTEST_NAME} - self._words
        # A name may be a part of another.
        self._names = sorted(known, key=len, reverse=True)

    def redact(self, text: str) -> str:
        """Return a text without the secrets that are known."""
        return self._secrets.redact(text)

    def scrub(self, text: str) -> str:
        """Return a free text, such as an error or a line of a log, without secrets and names of assets."""
        text = self._secrets.redact(text)
        for each in _LOOKS_SECRET:
            text = each.sub(rf"\g<kept>{REDACTED}", text)
        for name in self._names:
            text = text.replace(name, LEFT_OUT)
        return _FILE_NAME.sub(LEFT_OUT, _QUOTED.sub(self._unquote, text))

    def _unquote(self, found: re.Match[str]) -> str:
        text = found[0]
        return text if text[1:-1] in self._words else f"{text[0]}{LEFT_OUT}{text[-1]}"

    def scrub_line(self, line: str) -> str:
        """Return a line of a log; of a line of JSON the members stay what they are."""
        try:
            found = json.loads(line) if line.startswith("{") else None
        except (ValueError, RecursionError):
            found = None
        return json.dumps(self.scrub_all(found)) if isinstance(found, dict) else self.scrub(line)

    def scrub_all(self, value: Any) -> Any:
        """Return a value of JSON with each of its texts scrubbed, and without members that hold a secret."""
        if isinstance(value, dict):
            return {
                self.scrub(key): REDACTED if is_secret_name(key) else self.scrub_all(each)
                for key, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.scrub_all(each) for each in value]
        return self.scrub(value) if isinstance(value, str) else value
