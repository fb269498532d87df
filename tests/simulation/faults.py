"""Plan of the faults of a schedule, drawn from its seed beforehand, so that a failing one can be shrunk."""

from __future__ import annotations

import random
from typing import Final

import attrs

__all__ = ["ANSWERS", "KINDS", "Fault", "Plan", "draw"]

# What a request meets: whether it acts, and what the client sees.
ANSWERS: Final = (
    "lost before",
    "lost after",
    "late",
    "html",
    "empty",
    "braces",
    "half",
    "no success",
    "error before",
    "error after",
    "unavailable",
    "throttled",
    "slow",
    "slow before",
    "killed before",
    "killed after",
)
# What a process meets at a step.
PROCESSES: Final = ("crash", "freeze", "clock", "locks gone")
# What happens in the world at a step.
WORLD: Final = ("changed", "edited", "deleted", "blocked")
KINDS: Final = (*ANSWERS, *PROCESSES, *WORLD)

_LAST_STEP: Final = 1500
_LAST_REQUEST: Final = 35
_LAST_SAVE: Final = 8


@attrs.frozen
class Fault:
    """One fault.

    Attributes:
        at: number of the step, or of the request, at which it strikes.
        amount: seconds, where it needs some.
        saves: counts only requests that save an asset, the ones that must never be repeated.
    """

    kind: str
    at: int
    amount: float = 0.0
    saves: bool = False

    def __str__(self) -> str:
        amount = f" {self.amount:.0f} s" if self.amount else ""
        what = "save" if self.saves else "request" if self.kind in ANSWERS else "step"
        return f"{self.kind}{amount} at {what} {self.at}"


@attrs.define
class Plan:
    """The faults of a schedule, taken one by one as they strike."""

    faults: list[Fault]
    struck: list[str] = attrs.field(factory=list)
    is_on: bool = True

    def take(self, kinds: tuple[str, ...], at: int, *, saves: bool = False) -> Fault | None:
        """Return the fault of these kinds that is due, and strike it off."""
        if not self.is_on:
            return None
        for fault in self.faults:
            if fault.kind in kinds and fault.saves == saves and fault.at <= at:
                self.faults.remove(fault)
                self.struck.append(fault.kind)
                return fault
        return None

    @property
    def next_step(self) -> float:
        """Number of the step of the next fault that strikes at a step."""
        return min((each.at for each in self.faults if each.kind not in ANSWERS), default=float("inf"))


def draw(seed: int) -> list[Fault]:
    """Draw the faults of a schedule: a crash at least, and two others."""
    dice = random.Random(f"faults {seed}")
    faults = [Fault("crash", dice.randrange(20, 700))]
    for _ in range(dice.randint(2, 6)):
        if dice.random() < 0.55:
            kind = dice.choice(ANSWERS)
            saves = dice.random() < 0.6
            at = dice.randrange(_LAST_SAVE if saves else _LAST_REQUEST)
            faults.append(Fault(kind, at, dice.choice((1.0, 5.0, 70.0)), saves))
        elif dice.random() < 0.7:
            amount = dice.choice((2.0, 30.0, 90.0, 400.0)) * dice.choice((1, 1, -1))
            kind = dice.choice(PROCESSES)
            faults.append(
                Fault(kind, dice.randrange(20, _LAST_STEP), amount if kind == "clock" else abs(amount))
            )
        else:
            faults.append(Fault(dice.choice(WORLD), dice.randrange(50, _LAST_STEP)))
    return sorted(faults, key=lambda each: each.at)
