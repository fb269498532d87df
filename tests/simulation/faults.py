"""Plan of the faults of a schedule, drawn from its seed beforehand, so that a failing one can be shrunk."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

import attrs

__all__ = [
    "ANSWERS",
    "CRASHES",
    "FILE_ANSWERS",
    "KINDS",
    "PARTS",
    "Fault",
    "Plan",
    "can_meet",
    "draw",
    "part_of",
]

# What a request meets: whether it acts, and what the client sees.
ANSWERS: Final = (
    "unreachable",
    "lost before",
    "lost after",
    "late",
    "hangs",
    "html",
    "empty",
    "braces",
    "half",
    "no success",
    "other type",
    "elsewhere",
    "wrong length",
    "error before",
    "error after",
    "unavailable",
    "gateway",
    "throttled",
    "throttled bare",
    "slow",
    "slow before",
    "slow sending",
    "drip",
    "killed before",
    "killed after",
)
# What only a download meets.
FILE_ANSWERS: Final = ("cut", "wrong range", "other etag")
# What a process meets at a step.
PROCESSES: Final = (
    "crash",
    "freeze",
    "clock",
    "clock jump",
    "locks gone",
    "database locked",
    "disk full",
    "disk error",
)
# What happens in the world at a step: people, and the portal.
PEOPLE: Final = ("changed", "edited", "versioned", "archived", "deleted", "restored", "blocked")
# Kinds that only some parts of the world know.
_OWN: Final[dict[str, tuple[str, ...]]] = {
    "tokens": ("revoked",),
    "istock": ("revoked", "allowance used"),
    "gelato": ("tag off",),
    "events": ("notification repeated", "notification late", "acknowledgement lost"),
}
# Changes of a row that a part never makes, so that its own kinds never meet them: a licensed file does not
# change; only where two connectors share an asset one waits for the other, or leaves it; what is imported by
# a key, or may be sent twice, is never unclear.
_ALONE: Final = ("due -> skipped", "due -> waiting", "waiting -> due", "running -> uncertain")
_NEVER: Final = {"istock": ("pushed -> due",), "gelato": _ALONE, "events": _ALONE}
WORLD: Final = (*PEOPLE, *sorted({kind for kinds in _OWN.values() for kind in kinds}))
# What ends a process.
CRASHES: Final = ("crash", "killed before", "killed after")
# A schedule has a crash and so many other faults.
FURTHER: Final = 2
KINDS: Final = (*ANSWERS, *FILE_ANSWERS, *PROCESSES, *WORLD)

# The parts of the world of which a seed exercises one, and how often each comes.
PARTS: Final = {"source": 5, "tokens": 2, "events": 2, "istock": 2, "imatag": 3, "gelato": 2, "workers": 3}

_LAST_STEP: Final = 1500
# Requests of a sort that a fault may hit, and how often each sort is chosen.
_SORTS: Final = {"once": (8, 50), "change": (35, 20), "read": (25, 15), "file": (10, 15)}
# A download meets some of its own more often. A short text of no known form is a file like any other, and
# an empty file is rejected: that is shown, and a person decides.
_OF_SORT: Final = {
    "file": (*(kind for kind in ANSWERS if kind not in ("other type", "empty")), *FILE_ANSWERS * 5),
}
# Answers to a change that fail its row, and among how many of the first changes they come.
_UNREADABLE: Final = ("html", "empty", "braces", "half", "other type")
_FIRST_CHANGES: Final = 6
_JUMPS: Final = (300.0, 86_400.0)


@attrs.frozen
class Fault:
    """One fault.

    Attributes:
        at: number of the step, or of the request of its sort, at which it strikes.
        amount: seconds, where it needs some.
        sort: of the requests that count: those that must never be repeated, those that change something,
            those that read, those that read a file.
    """

    kind: str
    at: int
    amount: float = 0.0
    sort: str = ""

    def __str__(self) -> str:
        amount = f" {self.amount:.0f} s" if self.amount else ""
        return f"{self.kind}{amount} at {self.sort or 'step'} {self.at}"


@attrs.define
class Plan:
    """The faults of a schedule, taken one by one as they strike."""

    faults: list[Fault]
    struck: list[str] = attrs.field(factory=list)
    is_on: bool = True

    def take(self, kinds: tuple[str, ...], at: int, sort: str = "") -> Fault | None:
        """Return the fault of these kinds that is due, and strike it off."""
        if not self.is_on:
            return None
        for fault in self.faults:
            if fault.kind in kinds and fault.sort == sort and fault.at <= at:
                self.faults.remove(fault)
                self.struck.append(fault.kind)
                return fault
        return None

    @property
    def is_enough(self) -> bool:
        """True if a crash and enough other faults have struck."""
        return bool(set(CRASHES) & set(self.struck)) and len(self.struck) > FURTHER

    def complete(self, step: int) -> None:
        """Replace what has not struck by faults that strike in the steps to come, until there are enough."""
        missing = 1 + FURTHER - len(self.struck)
        kinds = [] if set(CRASHES) & set(self.struck) else ["crash"]
        kinds += ["freeze"] * (missing - len(kinds))
        self.faults = [Fault(kind, step + 40 * number, 30.0) for number, kind in enumerate(kinds, 1)]

    @property
    def next_step(self) -> float:
        """Number of the step of the next fault that strikes at a step."""
        return min((each.at for each in self.faults if not each.sort), default=float("inf"))


def can_meet(change: str, kind: str) -> bool:
    """Return whether a change of a row can follow a kind of faults in any part of the world."""
    parts = [part for part, kinds in _OWN.items() if kind in kinds] or list(PARTS)
    return any(change not in _NEVER.get(part, ()) for part in parts)


def part_of(seed: int) -> str:
    """Return the name of the part of the world that a seed exercises."""
    dice = random.Random(f"part {seed}")
    return dice.choices(list(PARTS), list(PARTS.values()))[0]


def draw(seed: int) -> list[Fault]:
    """Draw the faults of a schedule: a crash at least, and two others."""
    dice = random.Random(f"faults {seed}")
    faults = [Fault("crash", dice.randrange(20, 700))]
    for _ in range(dice.randint(2, 6)):
        chance = dice.random()
        if chance < 0.6:
            faults.append(_draw_answer(dice))
        elif chance < 0.85:
            faults.append(_draw_process_fault(dice))
        else:
            own = _OWN.get(part_of(seed))
            kinds = own if own and dice.random() < 0.5 else PEOPLE
            faults.append(Fault(dice.choice(kinds), dice.randrange(50, _LAST_STEP)))
    return sorted([*faults, *_draw_rare(dice, part_of(seed))], key=lambda each: each.at)


def _draw_rare(dice: random.Random, part: str) -> Iterator[Fault]:
    """Draw what would seldom meet the other faults: a change of what has arrived, and a part's own kinds."""
    if dice.random() < 0.4:
        yield Fault(dice.choice(("changed", "versioned")), dice.randrange(600, _LAST_STEP))
    if dice.random() < 0.15:
        yield Fault("blocked", dice.randrange(50, _LAST_STEP))
    if dice.random() < 0.25:
        yield Fault(dice.choice(FILE_ANSWERS), dice.randrange(_SORTS["file"][0]), sort="file")
    if part in _OWN and dice.random() < 0.6:
        yield Fault(dice.choice(_OWN[part]), dice.randrange(50, _LAST_STEP))
    if part in _OWN and dice.random() < 0.4:
        # A row fails after it: what cannot be read is no reason to send the same request again at once.
        yield Fault(dice.choice(_OWN[part]), dice.randrange(20, 200))
        yield Fault(dice.choice(_UNREADABLE), dice.randrange(_FIRST_CHANGES), sort="change")
    if dice.random() < 0.15:
        # While it waits for a permit it stands still and its locks are removed: another one begins.
        step = dice.randrange(60, 500)
        yield Fault("blocked", step)
        yield Fault("locks gone", step := step + dice.randrange(20, 150))
        yield Fault("freeze", step + dice.randrange(1, 20), 400.0)
    if part == "workers" and dice.random() < 0.7:
        # So long that others take its rows.
        yield Fault("freeze", dice.randrange(60, 900), 30.0)
    if dice.random() < 0.15:
        # It counts when its last byte has arrived, which is long after the first one has left.
        yield Fault("slow sending", dice.randrange(_FIRST_CHANGES), 70.0, "change")
    if dice.random() < 0.1:
        # After any answer, one is lost of what must not be repeated: the row is uncertain.
        yield Fault(dice.choice(ANSWERS), dice.randrange(_SORTS["read"][0]), 5.0, "read")
        yield Fault("lost after", dice.randrange(_SORTS["once"][0]), sort="once")


def _draw_answer(dice: random.Random) -> Fault:
    sorts = list(_SORTS)
    sort = dice.choices(sorts, [_SORTS[each][1] for each in sorts])[0]
    return Fault(
        dice.choice(_OF_SORT.get(sort, ANSWERS)),
        dice.randrange(_SORTS[sort][0]),
        dice.choice((1.0, 5.0, 70.0)),
        sort,
    )


def _draw_process_fault(dice: random.Random) -> Fault:
    kind = dice.choice(PROCESSES)
    step, sign = dice.randrange(20, _LAST_STEP), dice.choice((1, 1, -1))
    if kind == "clock jump":
        return Fault(kind, step, dice.choice(_JUMPS) * sign)
    amount = dice.choice((2.0, 30.0, 90.0, 400.0))
    return Fault(kind, step, amount * sign if kind == "clock" else amount)
