"""The border to foreign code: what it raises is translated, and that it is under way is noted."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

import attrs

from damlink._plugin.under_way import Call
from damlink._system.process import is_interrupt
from damlink.errors import DamlinkError

__all__ = ["Border"]


@attrs.frozen
class Border:
    """Context manager that translates what foreign code raises. A listing enters it for every item.

    Attributes:
        call: noted as under way meanwhile.
        translate: returns the error of Damlink for an exception.
    """

    call: Call
    translate: Callable[[BaseException], DamlinkError]

    def __enter__(self) -> None:
        self.call.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.call.end()
        if error is None or is_interrupt(error):
            return
        translated = self.translate(error)
        if translated is not error:
            raise translated from error
