"""Rules on `ctx.state`, which several threads share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from damlink._context import State
from damlink.testing.case import Case
from damlink.testing.rule import BrokenRuleError, rule

_MISSING: Final = "damlink.testing.missing"


class _WatchedState:
    """State that notes which values are read, and later replaced by way of `put`."""

    def __init__(self, inner: State) -> None:
        self._inner = inner
        self._read: dict[str, Any] = {}
        self.raced: list[str] = []

    def begin(self) -> None:
        """Begin with another asset."""
        self._read.clear()

    def get(self, key: str, default: Any = None) -> Any:
        """Read, and remember what was there."""
        value = self._inner.get(key, _MISSING)
        if value == _MISSING:
            return default
        self._read[key] = value
        return value

    def put(self, key: str, value: Any) -> None:
        """Write; note it if the value was read before."""
        # What is only set and cleared has no update that could be lost.
        known = self._read.get(key)
        if known is not None and known != value and not isinstance(value, bool):
            self.raced.append(key)
        self._inner.put(key, value)

    def delete(self, key: str) -> None:
        """Delete."""
        self._inner.delete(key)

    def keys(self) -> Sequence[str]:
        """Return the keys."""
        return self._inner.keys()

    def update(self, key: str, function: Callable[[Any], Any], default: Any = None) -> Any:
        """Replace."""
        return self._inner.update(key, function, default)


@rule(
    "state.atomic",
    proves="No thread loses what another one has put into ctx.state meanwhile.",
    cure="replace it by ctx.state.update(key, function, default)",
)
def update_atomically(case: Case) -> None:
    """Carry some assets, and note values that are read and then put."""
    state = _WatchedState(case.trial.context.state)
    case.trial.context = attrs.evolve(case.trial.context, state=state)
    for source in case.list_some() if case.lists else [case.source]:
        state.begin()
        case.trial.carry(source)
    if state.raced:
        raise BrokenRuleError(f"{state.raced[0]!r} is read and then put, so that a change in between is lost")
