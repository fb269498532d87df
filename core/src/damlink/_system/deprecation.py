"""Deprecation of a public name: a warning at the line that still uses it, and how long it still works."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from datetime import date
from types import FrameType
from typing import Any, Final

import attrs

__all__ = ["MINOR_VERSIONS", "Deprecation"]

# A deprecated name works for so many minor versions, and for a year.
MINOR_VERSIONS: Final = 2
_OURS: Final = re.compile(r"(damlink|pluggy|importlib)(\.|$)")


@attrs.frozen
class Deprecation:
    """Announcement that a public name will go.

    Attributes:
        name: as a plugin writes it, such as `ctx.count`.
        instead: what to write in its place.
        since: the version that announces it, such as `0.3`.
        announced: the day of that version.
    """

    name: str
    instead: str
    since: str
    announced: date

    @property
    def until(self) -> str:
        """The first version that may be without it."""
        major, minor = self.since.split(".")[:2]
        return f"{major}.{int(minor) + MINOR_VERSIONS}"

    @property
    def until_day(self) -> date:
        """The first day on which a version may be without it: a year later."""
        # The 29th of February has no anniversary.
        day = min(self.announced.day, 28) if self.announced.month == 2 else self.announced.day
        return self.announced.replace(year=self.announced.year + 1, day=day)

    @property
    def message(self) -> str:
        """Text that a plugin's author reads."""
        return (
            f"{self.name} is deprecated since damlink {self.since}: write {self.instead}. "
            f"It works until damlink {self.until}, and not less than until {self.until_day}"
        )

    def warn(self, function: Callable[..., Any] | None = None) -> None:
        """Warn at the line of the plugin that led here.

        Args:
            function: of the plugin, if the name is in what it defines and not in what it calls.
        """
        if function is not None:
            code = function.__code__
            self._warn_at(code.co_filename, code.co_firstlineno, function.__globals__)
        elif (frame := _caller(sys._getframe(1))) is not None:
            self._warn_at(frame.f_code.co_filename, frame.f_lineno, frame.f_globals)

    def _warn_at(self, filename: str, line: int, names: dict[str, Any]) -> None:
        registry = names.setdefault("__warningregistry__", {})
        module = str(names.get("__name__", ""))
        warnings.warn_explicit(self.message, DeprecationWarning, filename, line, module, registry)


def _caller(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame that is neither ours nor of what calls plugins."""
    while frame is not None and _OURS.match(str(frame.f_globals.get("__name__", ""))):
        frame = frame.f_back
    return frame
