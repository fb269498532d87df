"""Auditor: knows what is true on all sides, and ends a schedule in which a promise is broken."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
from simulation import edges
from simulation.files import title_of
from simulation.library import Asset
from simulation.portal import Portal
from simulation.tasks import Process, SimulationError, active

__all__ = ["Auditor"]

# States in which a row may stay when nothing goes wrong any more; uncertain ones wait for a person.
FINISHED: Final = ("pushed", "skipped", "rejected", "removed")
UNCERTAIN: Final = "uncertain"
# A request that was ready when the 429 came still leaves.
_GRACE_SECONDS: Final = 10.0
_EXCUSED: Final = {"freeze", "locks gone", "database locked", "disk full", "disk error"}
_ROWS: Final = "SELECT connector, source_id, state, fingerprint_carried FROM ledger ORDER BY 1, 2"


@attrs.define
class Auditor:
    """Checks after every effect, every commit and at the end.

    Attributes:
        part: what the schedule exercises: it knows what must arrive, and what has.
        edges: changes of a row's state that were committed, with the faults that had struck before.
    """

    file: Path
    plan: Any
    portal: Portal | None = None
    part: Any = None
    edges: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    commit_checks: list[Callable[[Process | None, set[str]], None]] = attrs.field(factory=list)
    _throttled: list[tuple[Process, float]] = attrs.field(factory=list)
    _shadow: Any = None
    _states: dict[tuple[str, str], str] = attrs.field(factory=dict)
    _carried: Counter[tuple[str, str, str]] = attrs.field(factory=Counter)
    connector_of: dict[Process, str] = attrs.field(factory=dict)

    # --- the portal --------------------------------------------------------------------------------

    def check_save(self, asset: Asset, content: bytes) -> None:
        """A file was saved: it must be the only one of its fingerprint, and its asset the only one too."""
        assert self.portal is not None
        self.part.on_save(asset, content)
        name, version = title_of(content)
        assets = list(self.portal.library.assets.values())
        files = [(each.id, known) for each in assets for known in (*each.contents, *each.added)]
        same = [where for where, known in files if title_of(known) == (name, version)]
        if len(same) > 1:
            raise SimulationError(f"{name} version {version} twice in the portal: {', '.join(same)}")
        visible = [
            each.id for each in assets if not each.is_deleted and title_of(each.contents[0])[0] == name
        ]
        if len(visible) > 1:
            raise SimulationError(f"two assets for {name}: {', '.join(visible)}")

    def check_pace(self) -> None:
        """The portal counted a request: never more than its limit in a window."""
        assert self.portal is not None
        if len(self.portal.counted) > self.portal.limit:
            raise SimulationError(f"{len(self.portal.counted)} requests in one window of the portal")

    def note_throttled(self, process: Process | None, now: float) -> None:
        """The portal's 429 has come back to a process: from then on nobody sends anything for a window."""
        if process is not None:
            self._throttled.append((process, now))

    def check_silence(self, now: float) -> None:
        """A request to the portal leaves: none of those that live knows of a block."""
        assert self.portal is not None
        # What was frozen, or could not write, may have begun before.
        if _EXCUSED.intersection(self.plan.struck):
            return
        for process, since in self._throttled:
            is_blocked = since + _GRACE_SECONDS < now < since + self.portal.seconds
            if is_blocked and not process.is_crashed:
                raise SimulationError(f"a request was sent {now - since:.0f} s after the portal's 429")

    # --- the lease ---------------------------------------------------------------------------------

    def check_sent(self, process: Process | None, request: httpx.Request) -> None:
        """The first byte of a request leaves: no other process may have taken over the lease."""
        name = self.connector_of.get(process) if process else None
        if name is None or request.method == "GET":
            return
        holder = self._holder(name) or process
        (owner,) = self.query("SELECT owner FROM lease WHERE connector = ?", name)[0]
        if holder is not process or f"/{process.pid}/" not in owner:
            raise SimulationError(
                f"{process} sent {request.method} {request.url} under the lease of {holder}, {owner}"
            )

    def _holder(self, name: str) -> Process | None:
        path = Path(f"{self.file}.locks") / f"{name}.lock"
        if not path.exists():
            return None
        held = path.stat()
        for handle, owner in edges._locked.items():
            if os.path.samestat(os.fstat(handle), held):
                return owner
        return None

    def check_commit(self, process: Process | None, tables: set[str]) -> None:
        """A transaction was committed: a writer of the ledger must have the lease."""
        for check in self.commit_checks:
            check(process, tables)
        if "ledger" not in tables or process is None:
            return
        # The dispatcher adds rows to every ledger, under its own lease.
        name = "~events" if "inbox" in tables else self.connector_of.get(process)
        if name is not None:
            (owner,) = self.query("SELECT owner FROM lease WHERE connector = ?", name)[0]
            if f"/{process.pid}/" not in owner:
                raise SimulationError(f"{process.name} wrote the ledger under the lease of {owner}")
        self._note_edges()

    def _note_edges(self) -> None:
        now = {}
        for connector, key, state, carried in self.query(_ROWS):
            now[connector, key] = state
            before = self._states.get((connector, key), "none")
            if before != state:
                self._note_edge(before, state, (connector, key, carried))
        self._states = now

    def _note_edge(self, before: str, state: str, row: tuple[str, str, str]) -> None:
        if (scheduler := active()) is not None:
            scheduler.note(f"{row}{state}")
        for kind in {*self.plan.struck, "none"}:
            self.edges[f"{before} -> {state}", kind] += 1
        if state == "pushed":
            self._carried[row] += 1
            if self._carried[row] > 1:
                raise SimulationError(f"{row[0]}: {row[1]} was carried twice for its fingerprint {row[2]}")

    # --- the end -----------------------------------------------------------------------------------

    def rows(self) -> Iterable[tuple[str, str, str]]:
        """Return connector, source id and state of each row."""
        return [row[:3] for row in self.query(_ROWS)]

    @property
    def finished(self) -> set[str]:
        """Ids of the assets that are pushed."""
        return {key for _, key, state in self.rows() if state == "pushed"}

    @property
    def is_settled(self) -> bool:
        """True if every wanted asset has arrived, or its row is finished or waits for a person's decision."""
        # A change may have come when its part of the list was read: the next run finds it.
        return self._is_drained() and not self._missing()

    def check_end(self) -> None:
        """The faults are off and the system has drained: both sides agree."""
        if not self._is_drained():
            raise SimulationError(
                f"not drained: {', '.join(f'{key} {state}' for _, key, state in self.rows())}"
            )
        if missing := self._missing():
            raise SimulationError(missing)
        self.part.check_end()

    def _is_drained(self) -> bool:
        states, excused = self._states_of_assets(), self.part.excused()
        finals = (_is_final(each) for key, each in states.items() if key not in excused)
        listed = set(states) >= {key for key in self.part.wanted() if key not in excused}
        return listed and all(finals) and self.part.is_settled()

    def _missing(self) -> str:
        """Return which asset has not arrived although its row is finished; empty if there is none."""
        states, arrived, excused = self._states_of_assets(), self.part.arrived(), self.part.excused()
        for key, version in self.part.wanted().items():
            if key in excused or UNCERTAIN in states[key] or (key, version) in arrived:
                continue
            return f"lost: {key} is {', '.join(sorted(states[key]))}, and version {version} has not arrived"
        return ""

    def _states_of_assets(self) -> dict[str, set[str]]:
        """Return, by source id, the states of its rows: each connector has one."""
        states: dict[str, set[str]] = {}
        for _, key, state in self.rows():
            states.setdefault(key, set()).add(state)
        return states

    def query(self, sql: str, *values: object) -> list[Any]:
        """Read what is committed."""
        if self._shadow is None:
            self._shadow = edges._real_connect(self.file, isolation_level=None, check_same_thread=False)
        return list(self._shadow.execute(sql, values))

    def close(self) -> None:
        """Close the auditor's own connection."""
        if self._shadow is not None:
            self._shadow.close()


def _is_final(states: set[str]) -> bool:
    # A sibling waits as long as it is uncertain whether the other connector has delivered the asset.
    explained = {UNCERTAIN, "waiting"} if UNCERTAIN in states else set()
    return states <= {*FINISHED, *explained}
