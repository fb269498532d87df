"""Names of a new plugin: checked, and in every form in which the templates need them."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

import attrs

__all__ = ["Names", "name_problem"]

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PREFIX: Final = "damlink-"
_LONGEST: Final = 30
# The core's and the sandbox's own distributions, modules and services.
_TAKEN: Final = frozenset({"all", "bynder", "control", "core", "damlink", "portal", "s3", "sandbox", "sns"})


@attrs.frozen
class Names:
    """Names of one plugin.

    Attributes:
        folder: the folder of the distribution, as it was given.
        plugin: such as `acme-stock`.
    """

    folder: str
    plugin: str

    @classmethod
    def of(cls, given: str) -> Names:
        """Return the names for the argument of `damlink new`; a leading `damlink-` is no part of the name."""
        return cls(given, given.removeprefix(_PREFIX))

    @property
    def distribution(self) -> str:
        """Such as `damlink-acme-stock`."""
        return f"{_PREFIX}{self.plugin}"

    @property
    def package(self) -> str:
        """Such as `damlink_acme_stock`."""
        return self.distribution.replace("-", "_")

    @property
    def title(self) -> str:
        """Such as `Acme Stock`."""
        return " ".join(word.capitalize() for word in self.plugin.split("-"))

    @property
    def cls(self) -> str:
        """The beginning of the classes' names, such as `AcmeStock`."""
        return self.title.replace(" ", "")


def name_problem(given: str, installed: Iterable[str]) -> str:
    """Return why a name cannot be that of a new plugin, and what to write instead; empty if it can.

    Args:
        installed: the names of the installed plugins and distributions.
    """
    name = given.removeprefix(_PREFIX)
    if not _NAME.fullmatch(name):
        return f"use small letters, digits and single hyphens, beginning with a letter{_instead(given)}"
    if len(name) > _LONGEST:
        return f"it is longer than {_LONGEST} letters; choose a shorter one"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return f"it is a word of Python's own; choose another, such as {name}-library"
    if name in _TAKEN:
        return f"Damlink uses it itself; choose another, such as {name}-library"
    if {name, f"{_PREFIX}{name}"} & set(installed):
        return f"a plugin of that name is installed; choose another, or run `pip uninstall {_PREFIX}{name}`"
    return ""


def _instead(given: str) -> str:
    plain = unicodedata.normalize("NFKD", given).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain.removeprefix(_PREFIX)).strip("-").lstrip("0123456789-")[:_LONGEST]
    return f", such as {name.strip('-')}" if name else ""
