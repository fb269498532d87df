"""Names in a definition that tell what something is, and names for Python."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeVar

__all__ = ["find_known", "identifier", "is_media", "plain_text", "squeeze", "unique"]

T = TypeVar("T")

# Names that the bodies of the made classes use, and the first argument of their methods.
_USED: Final = frozenset({"attrs", "bool", "float", "int", "self", "setting", "str", "tuple"})

_MEDIA: Final = re.compile(
    r"asset|media|image|photo|picture|file|video|document|download|attachment|upload", re.I
)


def squeeze(name: str) -> str:
    """Return a name in small letters and digits: `next_page-Token` becomes `nextpagetoken`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find_known(names: Iterable[str], known: Mapping[str, T]) -> T | None:
    """Return what is known of the first of some squeezed names; `None` if nothing is."""
    return next((known[name] for name in names if name in known), None)


def is_media(text: str) -> bool:
    """Return whether a path or a name is about files."""
    return _MEDIA.search(text) is not None


def identifier(name: str) -> str:
    """Return a name for Python: `fileSize` becomes `file_size`, and `fileIDs` becomes `file_ids`."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?!s(?![a-z]))[a-z])", "_", ascii_name)
    plain = re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_") or "field"
    plain = plain if plain[0].isalpha() else f"field_{plain}"
    return f"{plain}_" if keyword.iskeyword(plain) or plain in _USED else plain[:60]


def unique(names: Iterable[str], taken: Collection[str] = ()) -> list[str]:
    """Return identifiers for names, each once."""
    found: list[str] = []
    for name in names:
        plain, number = identifier(name), 1
        candidate = plain
        while candidate in found or candidate in taken:
            number += 1
            candidate = f"{plain}_{number}"
        found.append(candidate)
    return found


def plain_text(text: object, longest: int = 90) -> str:
    """Return a text in one line that is safe in a help text and in a docstring."""
    words = " ".join(str(text).split()) if isinstance(text, str) else ""
    clean = "".join(each for each in words if each.isprintable() and each not in "\"'\\`{}%<>")
    return clean if len(clean) <= longest else clean[: longest - 1].rsplit(" ", 1)[0].rstrip(" ,;:.")
