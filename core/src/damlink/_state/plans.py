"""Saved plans: what a run would carry, as it was when a person read it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs
import sqlalchemy as sa

from damlink._state.claim import SKIP
from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database
from damlink._state.tables import plan as t
from damlink._state.tables import planned, read_record

__all__ = ["PlannedAsset", "Plans", "SavedPlan"]

KEPT: Final = timedelta(days=30)
BATCH_ROWS: Final = 500


@attrs.frozen(kw_only=True)
class PlannedAsset:
    """One asset of a plan.

    Attributes:
        fingerprint: of what is carried; another one is another asset.
        action: `new`, `version`, `remove`, or `skip`.
        size: in bytes, where it is known.
        requests: to the portal that count against its limit, about.
        spends: what its partner charges, such as a number of credits by their name.
    """

    source_id: str
    title: str
    why: str
    action: str
    fingerprint: str
    size: int | None = None
    requests: int = 0
    spends: Mapping[str, float] = attrs.field(factory=dict)

    @property
    def is_carried(self) -> bool:
        """True if a run carries it."""
        return self.action != SKIP


@attrs.frozen(kw_only=True)
class SavedPlan:
    """A saved plan.

    Attributes:
        full: made for `damlink run --full`.
        basis: what it depends on, such as the settings; a value of text by its name.
        totals: sums over its assets.
        begun_at: when a run of it began first, or `None`.
    """

    id: str
    connector: str
    made_at: datetime
    full: bool
    basis: Mapping[str, str]
    totals: Mapping[str, Any]
    begun_at: datetime | None


@repeat_conflicts
class Plans:
    """The saved plans of all connectors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, connector: str, *, full: bool, basis: Mapping[str, str]) -> str:
        """Store the beginning of a plan, and delete old ones; return its id."""
        number = secrets.token_hex(5)
        values = {"id": number, "connector": connector, "full": full, "basis": json.dumps(dict(basis))}
        self._prune()
        with self._database.write() as connection:
            connection.execute(sa.insert(t).values(**values, made_at=self._database.now()))
        return number

    def add(self, plan: str, assets: Sequence[PlannedAsset], first: int) -> None:
        """Add a page of assets to a plan that is not complete yet.

        Args:
            first: the number of the first one.
        """
        values = [
            {**attrs.asdict(each, recurse=False), "plan": plan, "number": number}
            | {"spends": json.dumps(dict(each.spends))}
            for number, each in enumerate(assets, start=first)
        ]
        with self._database.write() as connection:
            connection.execute(sa.insert(planned), values)

    def revise(self, plan: str, fingerprints: Mapping[str, str]) -> None:
        """Store later fingerprints of assets that are in a plan already, by source id."""
        own = (planned.c.plan == plan, planned.c.source_id == sa.bindparam("of_id"))
        update = sa.update(planned).where(*own).values(fingerprint=sa.bindparam("seen"))
        values = [{"of_id": key, "seen": seen} for key, seen in fingerprints.items()]
        for start in range(0, len(values), BATCH_ROWS):
            with self._database.write() as connection:
                connection.execute(update, values[start : start + BATCH_ROWS])

    def complete(self, plan: str, totals: Mapping[str, Any]) -> None:
        """Store the totals of a plan: from now on it can be run."""
        self._set(plan, totals=json.dumps(dict(totals)))

    def mark_begun(self, plan: str) -> None:
        """Store that a run of a plan has begun."""
        self._set(plan, begun_at=self._database.now())

    def _set(self, plan: str, **values: Any) -> None:
        with self._database.write() as connection:
            connection.execute(sa.update(t).where(t.c.id == plan).values(values))

    def find(self, plan: str) -> SavedPlan | None:
        """Return a complete plan, or `None`."""
        found = self._select(t.c.id == plan)
        return found[0] if found else None

    def latest(self, connector: str, limit: int) -> list[SavedPlan]:
        """Return the newest complete plans of a connector, the newest first."""
        return self._select(t.c.connector == connector)[:limit]

    def _select(self, condition: sa.ColumnElement[bool]) -> list[SavedPlan]:
        query = sa.select(t).where(condition, t.c.totals.is_not(None)).order_by(t.c.made_at.desc(), t.c.id)
        with self._database.read() as connection:
            found = connection.execute(query.limit(100)).all()
        return [
            read_record(SavedPlan, each, basis=json.loads(each.basis), totals=json.loads(each.totals))
            for each in found
        ]

    def assets(self, plan: str, *, limit: int, offset: int = 0, action: str = "") -> list[PlannedAsset]:
        """Return assets of a plan, in its order."""
        chosen = [planned.c.plan == plan, *([planned.c.action == action] if action else [])]
        query = sa.select(planned).where(*chosen).order_by(planned.c.number).limit(limit).offset(offset)
        with self._database.read() as connection:
            return [
                read_record(PlannedAsset, each, spends=json.loads(each.spends))
                for each in connection.execute(query)
            ]

    def read_carried(self, plan: str) -> dict[str, tuple[str, str]]:
        """Return title and fingerprint of the assets that a plan carries, by source id."""
        query = sa.select(planned.c.source_id, planned.c.title, planned.c.fingerprint)
        query = query.where(planned.c.plan == plan, planned.c.action != SKIP).order_by(planned.c.number)
        with self._database.read() as connection:
            return {each.source_id: (each.title, each.fingerprint) for each in connection.execute(query)}

    def _prune(self) -> None:
        """Delete plans older than 30 days, a bounded number of assets in each transaction."""
        for plan in self._find_old():
            count = BATCH_ROWS
            while count == BATCH_ROWS:
                count = self._delete_some(plan)
            with self._database.write() as connection:
                connection.execute(sa.delete(t).where(t.c.id == plan))

    def _find_old(self) -> Iterable[str]:
        query = sa.select(t.c.id).where(t.c.made_at < self._database.now() - KEPT)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def _delete_some(self, plan: str) -> int:
        some = sa.select(planned.c.source_id).where(planned.c.plan == plan).limit(BATCH_ROWS)
        with self._database.write() as connection:
            chosen = (planned.c.plan == plan, planned.c.source_id.in_(some))
            return connection.execute(sa.delete(planned).where(*chosen)).rowcount
