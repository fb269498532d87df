"""How late the listings of very many connectors begin, and how much memory their worker takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from cluster_proof.cluster import Cluster

from damlink._serve.scheduler import due_at
from damlink._state.runs import RunRecord

__all__ = ["give_connectors", "largest_memory", "read_delays", "spread_listings"]

# A moment is put off or brought forward by a tenth of the interval at most: none is due at the start.
_SPREAD: Final = """
INSERT INTO run (connector, epoch, owner, started_at, finished_at, exit_code, every)
SELECT 'stock-' || n, 1, 'a run before', moment, moment, 0, %(every)s
FROM generate_series(0, %(count)s - 1) AS n,
     LATERAL (SELECT now() - make_interval(secs => %(every)s * (0.1 + 0.8 * n / %(count)s)) AS moment) AS spread
"""
_RUNS: Final = """
SELECT connector, started_at, finished_at, error FROM run
WHERE listing AND connector <> 'stock' ORDER BY connector, id
"""


def give_connectors(made: Cluster, count: int, every: float) -> None:
    """Give the config so many connectors in place of the one that is there."""
    (table,) = (made.site.tables["connectors"].pop(name) for name in ["stock"])
    for number in range(count):
        made.site.tables["connectors"][f"stock-{number}"] = {**table, "every": f"{every:.0f}s"}
    made.site.write()


def spread_listings(address: str, count: int, every: float) -> None:
    """Note a listing of each connector in the past, spread over an interval, as they are after some hours."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(_SPREAD, {"count": count, "every": every})


def read_delays(address: str, every: float) -> list[float]:
    """Return how many seconds after its moment each listing but a connector's first has begun, in order."""
    earlier: dict[str, RunRecord] = {}
    delays = []
    with psycopg.connect(address) as connection:
        for number, row in enumerate(connection.execute(_RUNS).fetchall()):
            record = _as_record(number, row)
            if (last := earlier.get(record.connector)) is not None:
                moment = due_at(record.connector, every, last, record.started_at)  # type: ignore[arg-type]
                delays.append((record.started_at - moment).total_seconds())
            earlier[record.connector] = record
    return sorted(delays)


def _as_record(number: int, row: tuple[Any, ...]) -> RunRecord:
    connector, started_at, finished_at, error = row
    moments: Mapping[str, datetime | None] = {"started_at": started_at, "finished_at": finished_at}
    return RunRecord(id=number, connector=connector, exit_code=0, error=error, totals={}, **moments)  # type: ignore[arg-type]


def largest_memory(pid: int) -> int:
    """Return the largest resident memory that a process has had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024
