"""Auditor: knows what is true on all sides, and ends a schedule in which a promise is broken."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
from simulation import edges
from simulation.portal import Asset, Portal, Source, title_of
from simulation.scheduler import Process, SimulationError, active

__all__ = ["Auditor"]

# States in which a row may stay when nothing goes wrong any more; uncertain ones wait for a person.
FINISHED: Final = ("pushed", "skipped", "rejected")
UNCERTAIN: Final = "uncertain"


@attrs.define
class Auditor:
    """Checks after every effect, every commit and at the end.

    Attributes:
        edges: changes of a row's state that were committed, with the faults that had struck before.
    """

    file: Path
    plan: Any
    portal: Portal | None = None
    source: Source | None = None
    edges: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    _shadow: Any = None
    _states: dict[tuple[str, str], str] = attrs.field(factory=dict)
    connector_of: dict[Process, str] = attrs.field(factory=dict)

    # --- the portal --------------------------------------------------------------------------------

    def check_save(self, asset: Asset) -> None:
        """An asset or a version was saved: it must be the only one of its fingerprint, and of its asset."""
        assert self.portal is not None
        name, version = title_of(asset.contents[-1])
        assets = list(self.portal.assets.values())
        same = [each.id for each in assets for known in each.contents if title_of(known) == (name, version)]
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

    # --- the lease ---------------------------------------------------------------------------------

    def check_sent(self, process: Process | None, request: httpx.Request) -> None:
        """The first byte of a request leaves: no other process may have taken over the lease."""
        name = self.connector_of.get(process) if process else None
        if name is None or request.method not in ("POST", "PUT", "DELETE"):
            return
        holder = self._holder(name)
        if holder not in (None, process):
            raise SimulationError(
                f"{process} sent {request.method} {request.url} under the lease of {holder}"
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
        if "ledger" not in tables or process is None:
            return
        name = self.connector_of.get(process)
        if name is not None:
            (owner,) = self._query("SELECT owner FROM lease WHERE connector = ?", name)[0]
            if f"/{process.pid}/" not in owner:
                raise SimulationError(f"{process.name} wrote the ledger under the lease of {owner}")
        self._note_edges()

    def _note_edges(self) -> None:
        now = {(connector, key): state for connector, key, state in self.rows()}
        for key, state in now.items():
            before = self._states.get(key, "none")
            if before != state:
                if (scheduler := active()) is not None:
                    scheduler.note(f"{key}{state}")
                for kind in {*self.plan.struck, "none"}:
                    self.edges[f"{before} -> {state}", kind] += 1
        self._states = now

    # --- the end -----------------------------------------------------------------------------------

    def rows(self) -> Iterable[tuple[str, str, str]]:
        """Return connector, source id and state of each row."""
        return self._query("SELECT connector, source_id, state FROM ledger ORDER BY 1, 2")

    @property
    def finished(self) -> set[str]:
        """Ids of the assets that are pushed."""
        return {key for _, key, state in self.rows() if state == "pushed"}

    @property
    def is_settled(self) -> bool:
        """True if every listed asset has a row, and each row is finished or waits for a person's decision."""
        assert self.source is not None
        states, deleted = self._states_of_assets(), self._deleted()
        finals = (_is_final(each) for key, each in states.items() if key not in deleted)
        return set(states) >= set(self.source.fingerprints) and all(finals)

    def check_end(self) -> None:
        """The faults are off and the system has drained: both sides agree."""
        assert self.portal is not None
        assert self.source is not None
        if not self.is_settled:
            raise SimulationError(
                f"not drained: {', '.join(f'{key} {state}' for _, key, state in self.rows())}"
            )
        states = self._states_of_assets()
        assets = self.portal.assets.values()
        arrived = {title_of(content) for each in assets for content in each.contents}
        deleted = self._deleted()
        for key, version in self.source.fingerprints.items():
            if UNCERTAIN in states[key] or key in deleted:
                continue
            if "pushed" not in states[key]:
                raise SimulationError(f"not carried: {key} is {', '.join(sorted(states[key]))}")
            if (key, version) not in arrived:
                raise SimulationError(f"lost: {key} version {version} is pushed and not in the portal")

    def _deleted(self) -> set[str]:
        """Return the ids of assets that a person has deleted: a new version of them fails."""
        assert self.portal is not None
        return {title_of(each.contents[0])[0] for each in self.portal.assets.values() if each.is_deleted}

    def _states_of_assets(self) -> dict[str, set[str]]:
        """Return, by source id, the states of its rows: each connector has one."""
        states: dict[str, set[str]] = {}
        for _, key, state in self.rows():
            states.setdefault(key, set()).add(state)
        return states

    def _query(self, sql: str, *values: object) -> list[Any]:
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
