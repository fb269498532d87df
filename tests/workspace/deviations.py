"""Where the client or the sandbox does otherwise than Bynder's published definitions say, and why."""

from __future__ import annotations

import re
from typing import Final

import attrs


@attrs.frozen
class Deviation:
    """One known deviation.

    Attributes:
        call: method and path as published; `*` stands for anything, here and in `what`.
        what: what is otherwise; beginning with the part of the exchange that it is about.
        why: the reason.
        source: where the reason comes from.
    """

    call: str
    what: str
    why: str
    source: str

    def covers(self, call: str, what: str) -> bool:
        """Whether it is this one that was found."""
        return bool(re.fullmatch(_pattern(self.call), call) and re.fullmatch(_pattern(self.what), what))


def _pattern(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*")


DEVIATIONS: Final[tuple[Deviation, ...]] = ()
