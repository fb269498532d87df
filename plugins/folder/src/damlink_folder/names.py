"""File names that other systems can keep: ids from paths and back, names for people, names to ignore."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import urllib.parse
from collections.abc import Iterable
from typing import Final

from damlink import SourceAsset

__all__ = [
    "CSV_REPORT",
    "JSON_REPORT",
    "is_ignored",
    "is_sidecar",
    "join",
    "printable",
    "quote",
    "split_name",
    "to_id",
    "to_path",
    "unquote",
]

CSV_REPORT: Final = "damlink-report.csv"
JSON_REPORT: Final = ".damlink.json"
_NEVER: Final = frozenset({"thumbs.db", "desktop.ini", CSV_REPORT})
# The core keeps ids of 1024 bytes at most.
_ID_BYTES: Final = 1000
# Control characters, the percent sign itself, and surrogates: bytes of a name that are not UTF-8.
_QUOTED: Final = re.compile("[%\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def quote(path: str) -> str:
    """Return a path as text that anything can keep: every odd byte as `%XX`. No two paths have the same."""
    return _QUOTED.sub(_quote_bytes, path)


def _quote_bytes(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape"))


def unquote(text: str) -> str:
    """Return the path that `quote` was given."""
    return urllib.parse.unquote(text, encoding="utf-8", errors="surrogateescape")


def to_id(path: str) -> str:
    """Return the source id of a path: the quoted path; of a very long one its beginning and a digest."""
    text = quote(path)
    if len(text.encode()) <= _ID_BYTES:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text[: _ID_BYTES // 8]}...{digest}"


def to_path(source: SourceAsset) -> str:
    """Return the path of a source asset, below the folder."""
    return unquote(source.raw["path"])


def printable(name: str) -> str:
    """Return a name for people and for the portal: what is no text becomes an underscore."""
    return _QUOTED.sub(lambda match: "%" if match[0] == "%" else "_", name)


def split_name(path: str) -> tuple[str, str]:
    """Return the folder of a path, empty for the top, and the name of the file."""
    folder, _, name = path.rpartition("/")
    return folder, name


def join(folder: str, name: str) -> str:
    """Return the path of a file in a folder."""
    return f"{folder}/{name}" if folder else name


def is_ignored(name: str, patterns: Iterable[str]) -> bool:
    """Return whether a name belongs to a file that is hidden, temporary, or written by Damlink."""
    lower = name.lower()
    if name.startswith(".") or lower in _NEVER or lower.endswith(JSON_REPORT):
        return True
    return any(fnmatch.fnmatch(lower, pattern.lower()) for pattern in patterns)


def is_sidecar(name: str) -> bool:
    """Return whether a file contains metadata, by its extension."""
    return os.path.splitext(name)[1].lower() in (".json", ".csv")  # noqa: PTH122 - a name, and no path of this machine
