"""Rule on threads: one asset is interrupted at its lines, and meanwhile another one is prepared."""

from __future__ import annotations

import contextlib
import functools
import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

from damlink._model import PreparedAsset, SourceAsset
from damlink._plugin.discovery import find
from damlink._plugin.traces import package_of
from damlink.testing.asset_rules import facts_of
from damlink.testing.case import Case
from damlink.testing.rule import BrokenRuleError, NotApplicableError, rule
from damlink.testing.watch import is_of

# Lines at which the asset is interrupted, spread over all that run for it.
MOST_INTERRUPTIONS: Final = 8
# A thread that is so often seen at the same place waits for a lock.
STANDS_STILL: Final = 5
POLL_SECONDS: Final = 0.05


class _Lines:
    """Trace of the lines that a package runs in this thread; calls a function before one of them.

    Args:
        at: the number of the line, counted from 1.
    """

    def __init__(self, package: str, at: int = 0, act: Callable[[], None] = lambda: None) -> None:
        self._package, self._at, self._act = package, at, act
        self.count = 0

    def enter(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        """Trace the lines of a frame if the package owns it."""
        return self.line if is_of(frame, self._package) else None

    def line(self, _frame: FrameType, event: str, _argument: Any) -> Any:
        """Count a line, and act if it is the one."""
        if event == "line":
            self.count += 1
            if self.count == self._at:
                self._act()
        return self.line


class _Elsewhere:
    """A call in a thread of its own. The present thread waits for it, unless it waits for a lock."""

    def __init__(self, call: Callable[[], object], package: str) -> None:
        self._thread = threading.Thread(target=call, daemon=True)
        self._package = package

    def begin(self) -> None:
        """Start, and wait until the call has ended or stands still in the plugin's own code."""
        self._thread.start()
        still, last = 0, None
        while self._thread.is_alive() and still < STANDS_STILL:
            self._thread.join(POLL_SECONDS)
            place = self._waiting_place()
            still = still + 1 if place and place == last else 0
            last = place

    def end(self) -> None:
        """Wait for the call."""
        if self._thread.ident:
            self._thread.join()

    def _waiting_place(self) -> tuple[int, int] | None:
        """Return where the thread is, if it may wait for a lock; for an answer, it waits in a library."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        if frame is None:
            return None
        may_wait = is_of(frame, self._package) or frame.f_globals.get("__name__") == threading.__name__
        return (id(frame), frame.f_lasti) if may_wait else None


@contextlib.contextmanager
def _trace_lines(lines: _Lines) -> Iterator[None]:
    before = sys.gettrace()
    sys.settrace(lines.enter)
    try:
        yield
    finally:
        sys.settrace(before)


@rule(
    "transform.parallel",
    proves="Assets that are prepared at the same time do not mix, wherever one interrupts the other.",
    cure="keep what belongs to an asset in local variables; several threads call the hooks",
)
def prepare_side_by_side(case: Case) -> None:
    """Interrupt an asset at some of its lines, each time by another one in another thread."""
    case.require_listing()
    one, other = _two_carried(case)
    package = package_of(find(case.plugin).module)
    alone, lines = _prepare(case, one), _Lines(package)
    with _trace_lines(lines):
        _prepare(case, one)
    step = max(1, -(-lines.count // MOST_INTERRUPTIONS))
    for at in range(1, lines.count + 1, step):
        elsewhere = _Elsewhere(functools.partial(_prepare, case, other), package)
        with _trace_lines(_Lines(package, at, elsewhere.begin)):
            beside = _prepare(case, one)
        elsewhere.end()
        if mixed := [name for name, value in alone.items() if beside[name] != value]:
            raise BrokenRuleError(
                f"{one.source_id} gets another {', '.join(mixed)} while {other.source_id} is prepared too"
            )


def _two_carried(case: Case) -> list[SourceAsset]:
    carried = list(itertools.islice(case.list_carried(), 2))
    if len(carried) < 2:
        raise NotApplicableError("the stand-in lists fewer than two assets that are carried")
    return carried


def _prepare(case: Case, source: SourceAsset) -> dict[str, Any]:
    prepared = case.trial.transform(source)
    return facts_of(prepared) if isinstance(prepared, PreparedAsset) else {"end": prepared}
