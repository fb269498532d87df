"""`make soak MINUTES=60`: a simulated year with kills, faults and clock jumps; then both sides agree."""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
from soak.measures import Measures
from soak.people import People, add_fault
from soak.site import MEDIA, Site, simulated_days
from soak.verdict import compare, drain

from damlink_sandbox import Sandbox

TICK_SECONDS: Final = 1.0
# The chance, in each tick, of a kill of `serve`, a run, its kill, a fault, a wrong clock, its repair.
KILL, RUN, KILL_RUN, FAULT, WRONG, RIGHT = 0.08, 0.12, 0.2, 0.25, 0.03, 0.3
MOST_RUNS: Final = 2
MOST_WRONG_SECONDS: Final = 7_200
SHOWN: Final = 20
# A bug of the product shows its traceback in the log.
BUG: Final = re.compile(r"^Traceback|: a bug$", re.MULTILINE)


@attrs.define
class Soak:
    """One soak.

    Attributes:
        witness: a `serve` that is never killed, so that it can be measured.
        counts: what has happened.
    """

    site: Site
    chance: random.Random
    minutes: float
    people: People
    measures: Measures
    counts: Counter[str] = attrs.field(factory=Counter)
    runs: list[subprocess.Popen[bytes]] = attrs.field(factory=list)

    def run(self) -> Iterator[str]:
        """Let the time pass; yield what is wrong."""
        site = self.site
        witness = site.start("witness", "serve", "--port", "0")
        server = site.start("serve", "serve")
        try:
            site.call("events", "subscribe", "sandbox")
            server = self._pass_minutes(witness, server)
            yield from self._end(witness, server)
        finally:
            for child in (witness, server, *self.runs):
                child.kill()
                child.wait()
        notes = [*drain(site)]
        self.counts["decided by a person"] = sum(not note.startswith("WRONG") for note in notes)
        for note in notes:
            print(note, flush=True)
        yield from (note for note in notes if note.startswith("WRONG"))
        yield from compare(site, self.people)
        yield from self._bugs()

    def _pass_minutes(
        self, witness: subprocess.Popen[bytes], server: subprocess.Popen[bytes]
    ) -> subprocess.Popen[bytes]:
        began = time.monotonic()
        for minute in range(1, max(1, round(self.minutes)) + 1):
            while time.monotonic() - began < 60 * min(minute, self.minutes):
                server = self._tick(server)
                seen = self.measures.take(witness.pid)
                time.sleep(TICK_SECONDS)
            print(self._line(minute, seen), flush=True)
        return server

    def _tick(self, server: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """Let one moment pass: time, people, faults, kills."""
        chance, site = self.chance, self.site
        self._move_clock()
        self.people.act()
        self.counts["changes by people"] += 1
        if chance.random() < FAULT:
            add_fault(site, chance)
            self.counts["faults"] += 1
        if chance.random() < RUN and len(self.runs) < MOST_RUNS:
            self.runs.append(site.start("run", "run", *(["--full"] if chance.random() < 0.2 else [])))
            self.counts["runs"] += 1
        for child in [*self.runs]:
            if child.poll() is None and chance.random() < KILL_RUN:
                self._kill(child)
            if child.poll() is not None:
                self.runs.remove(child)
        if server.poll() is not None or chance.random() < KILL:
            self._kill(server)
            server = site.start("serve", "serve")
        return server

    def _move_clock(self) -> None:
        """Let hours or days pass at once; now and then the product's clock is wrong for a while."""
        if self.site.wrong_by:
            self.site.wrong_by *= self.chance.random() > RIGHT
        elif self.chance.random() < WRONG:
            self.site.wrong_by = self.chance.uniform(-MOST_WRONG_SECONDS, MOST_WRONG_SECONDS)
            self.counts["wrong clocks"] += 1
        mean = simulated_days(self.minutes) * 86_400 / 60 * TICK_SECONDS
        self.site.pass_time(mean * self.chance.uniform(0.2, 1.8))

    def _kill(self, child: subprocess.Popen[bytes]) -> None:
        child.kill()
        child.wait()
        self.counts["kills"] += 1

    def _end(self, witness: subprocess.Popen[bytes], server: subprocess.Popen[bytes]) -> Iterator[str]:
        """End all processes in good order."""
        self.site.sandbox.world.faults.clear()
        self.site.wrong_by = 0.0
        for child in self.runs:
            child.wait()
        for name, child in (("the witness", witness), ("serve", server)):
            if code := self.site.stop(child):
                yield f"{name} ended with exit code {code}"

    def _bugs(self) -> Iterator[str]:
        for log in sorted(self.site.folder.glob("*.log")):
            if found := BUG.findall(log.read_text(errors="replace")):
                yield f"{log}: {len(found)} bugs"

    def _line(self, minute: int, seen: dict[str, float]) -> str:
        assets = len(self.site.sandbox.part("bynder").state()["assets"])
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        values = ", ".join(f"{name} {value:.0f}" for name, value in seen.items())
        return f"minute {minute}: day {self.site.day:.0f}, {assets} assets, {counts}; {values}"


def main() -> int:
    """Run a soak; 0 if both sides agree and nothing has grown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    given = parser.parse_args()
    print(f"make soak MINUTES={given.minutes:g} SEED={given.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="damlink-soak-"))
    world = folder / "world"
    world.mkdir()
    with Sandbox(folder=world, media=MEDIA, seed=given.seed) as sandbox:
        site, chance = Site(folder, sandbox), random.Random(given.seed)
        site.prepare(given.minutes)
        soak = Soak(site, chance, given.minutes, People(site, chance), Measures(folder))
        wrong = [*soak.run()]
    return report(soak, wrong)


def report(soak: Soak, wrong: list[str]) -> int:
    """Print what was measured and what is wrong; return the exit code."""
    for name, first, last, is_flat in soak.measures.growth():
        grows = "" if is_flat else ": IT GROWS"
        print(f"{name:20} {first:7.0f} in the first third, {last:7.0f} in the last{grows}")
        wrong += [] if is_flat else [f"{name} grows"]
    print(", ".join(f"{count} {name}" for name, count in soak.counts.items()))
    for line in wrong[:SHOWN]:
        print(f"WRONG: {line.removeprefix('WRONG: ')}")
    if wrong:
        print(f"{len(wrong)} things are wrong; the logs and the database are in {soak.site.folder}")
        return 1
    print("both sides agree: every asset once, none missing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
