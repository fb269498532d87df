"""Progress of hooks by `ctx.progress`: bytes are counted, the rest is shown at a bounded rate."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from damlink._plugin.under_way import find_call
from damlink._run.report import HookProgress, RunListener
from damlink._secret import redact
from damlink._system.cadence import Cadence

__all__ = ["ProgressMeter"]

# A hook may call it for each of a million rows.
SECONDS_BETWEEN: Final = 1.0


class ProgressMeter:
    """Receives the progress of a connector's hooks, and passes it on once a second for each thread.

    Args:
        listener: receives it; nothing else keeps it.
        clock: seconds that only grow.
    """

    def __init__(self, listener: RunListener, clock: Callable[[], float] = time.monotonic) -> None:
        self._listener = listener
        self._clock = clock
        self._of_thread = threading.local()

    def __call__(self, done: float, total: float | None = None, unit: str = "") -> None:
        """Count bytes, if nothing but a number is given; else show how far the hook is."""
        if total is None and not unit:
            self._listener.on_bytes(int(done))
            return
        progress = _describe(done, total, unit)
        if self._is_due():
            call = find_call()
            self._listener.on_progress(HookProgress(call.source_id if call else None, progress))

    def _is_due(self) -> bool:
        if not hasattr(self._of_thread, "cadence"):
            self._of_thread.cadence = Cadence(SECONDS_BETWEEN, self._clock)
        return bool(self._of_thread.cadence.is_due())


def _describe(done: float, total: float | None, unit: str) -> str:
    parts = [_number(done), *(["of", _number(total)] if total is not None else []), redact(str(unit))]
    return " ".join(filter(None, parts))


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
