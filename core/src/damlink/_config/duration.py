"""Durations as people write them: `90s`, `15m`, `2h`, `1d`."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["Duration"]

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WRITTEN: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


class Duration(float):
    """A length of time in seconds, written with its unit in the config."""

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read `90s`, `15m`, `2h` or `1d`.

        Raises:
            ValueError: it is written otherwise.
        """
        match = _WRITTEN.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"expected a duration such as 90s, 15m, 2h or 1d, got {text!r}")
        return cls(float(match[1]) * _UNITS[match[2]])

    def __str__(self) -> str:
        for unit in "dhm":
            if self and self % _UNITS[unit] == 0:
                return f"{int(self // _UNITS[unit])}{unit}"
        return f"{float(self):g}s"
