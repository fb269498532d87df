"""usage: python tests/benchmarks/console_pages.py [ROWS [PAGE]...]   times pages over a large ledger

The ledger has a million rows of one connector on SQLite, 3 % of them not carried. Another thread claims and
finishes rows meanwhile. A saved plan has a tenth as many assets, and the inbox 1,000 events. A line is
printed for each page: the median and the 95th percentile of 40 requests over HTTP, one after the other.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue

import httpx

from damlink._config.load import loads
from damlink._console.server import Console
from damlink._run.session import Session
from damlink._state.inbox import Inbox, Notification
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.plans import PlannedAsset, Plans

CONFIG = """
[portals.brand]
url = "http://127.0.0.1:9"
token = { env = "TOKEN" }

[connectors.stock]
plugin = "istock"
api_key = { env = "TOKEN" }
api_secret = { env = "TOKEN" }
"""
TIMES = 40
PART, EVENTS = 10_000, 1_000
# One of 50 rows has failed, one of 200 is rejected, one of 500 uncertain; 20 causes each.
STATE = """CASE WHEN n % 50 = 1 THEN 'failed' WHEN n % 200 = 2 THEN 'rejected'
    WHEN n % 500 = 3 THEN 'uncertain' WHEN n % 100 = 4 THEN 'due' WHEN n % 10 = 5 THEN 'skipped'
    ELSE 'pushed' END"""
ROWS = f"""
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :rows)
INSERT INTO ledger (connector, source_id, state, title, raw, fingerprint_seen, fingerprint_carried, reason,
    attempts, last_error, due_at, listed_at, updated_at, target_id, result)
SELECT 'stock', printf('asset-%07d', n), {STATE}, 'A harbour in the morning, number ' || n,
    '{{"size": 12345}}', 'v1', 'v1', '', 0,
    CASE WHEN n % 50 = 1 OR n % 200 = 2 OR n % 500 = 3 THEN
        'upload of asset-' || printf('%07d', n) || ' failed with cause ' || (n % 20) ELSE '' END,
    datetime('now', '-' || (n % 90) || ' days') || '.000000',
    datetime('now', '-' || (n % 90) || ' days') || '.000000',
    datetime('now', '-' || (n % 90) || ' days', '-' || (n % 86400) || ' seconds') || '.000000',
    'target-' || n, '{{"target_id": "target-' || n || '"}}'
FROM numbers
"""
RUNS = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 500)
INSERT INTO run (connector, epoch, owner, started_at, finished_at, exit_code, error, totals, listing, every)
SELECT 'stock', n, 'here/1/1', datetime('now', '-' || ((500 - n) * 4) || ' hours') || '.000000',
    datetime('now', '-' || ((500 - n) * 4) || ' hours', '+10 minutes') || '.000000', n % 2, '',
    '{"listed": {"new": 9}, "outcomes": {"pushed": 1990, "failed": 9}, "bytes": 123456789, "seconds": 600.0}',
    1, 14400 FROM numbers
"""
PAGES = {
    "overview": "/",
    "connector": "/connector?connector=stock",
    "edit": "/edit?connector=stock",
    "assets": "/assets?connector=stock",
    "assets, last page": "/assets?connector=stock&page=200",
    "assets by state": "/assets?connector=stock&state=pushed",
    "assets by state, last page": "/assets?connector=stock&state=pushed&page=200",
    "assets by cause": "/assets?connector=stock&cause=upload+of+%E2%80%A6+failed+with+cause+1&state=failed",
    "assets by cause of any state": "/assets?connector=stock&cause=upload+of+%E2%80%A6+failed+with+cause+1",
    "search for an id": "/assets?connector=stock&search=asset-0999999",
    "search for a word": "/assets?connector=stock&search=harbour",
    "search without a hit": "/assets?connector=stock&search=volcano",
    "one asset": "/asset?connector=stock&id=asset-0000051",
    "runs": "/runs?connector=stock",
    "plans": "/plans?connector=stock",
    "plan": "/plan?id={plan}",
    "plan, last page": "/plan?id={plan}&page=200",
    "draft": "/draft?id={draft}",
    "add": "/add?plugin=istock",
    "a step of the wizard": "/setup?id={setup}",
    "events": "/events?portal=brand",
    "activity": "/activity",
    "browse": "/plugins",
    "portals": "/portals",
}


def main() -> None:
    """Make the ledger, start a console, and time its pages."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"TOKEN": "x", "DAMLINK_STATE_DIR": folder, "DAMLINK_KEY": "A" * 43 + "="}
        path = Path(folder) / "damlink.toml"
        path.write_text(CONFIG)
        with Session(loads(CONFIG, path)) as session:
            _fill(session, rows)
            _fill_plan_and_inbox(session, rows // 10)
            _time_pages(session)


def _fill(session: Session, rows: int) -> None:
    began = time.perf_counter()
    with session.database.write() as connection:
        connection.exec_driver_sql(ROWS, {"rows": rows})
        connection.exec_driver_sql(RUNS)
    print(f"{rows:,} rows in {time.perf_counter() - began:.0f} s")


def _fill_plan_and_inbox(session: Session, count: int) -> None:
    plans = Plans(session.database)
    plan = plans.begin("stock", full=True, basis={})
    for first in range(0, count, PART):
        assets = [_planned(number) for number in range(first, min(first + PART, count))]
        plans.add(plan, assets, first)
    totals = {"actions": {"new": count}, "bytes": 12_345 * count, "without_size": 0, "requests": 5 * count}
    plans.complete(plan, totals | {"minutes": count // 144, "spends": {}})
    for number in range(EVENTS):
        Inbox(session.database).put(
            Notification(
                portal="brand",
                topic="arn:aws:sns:eu-west-1:111122223333:brand",
                message_id=str(number),
                subject="asset_bank.media.updated",
                message="{}",
                occurred_at=datetime.now(UTC),
            )
        )


def _planned(number: int) -> PlannedAsset:
    return PlannedAsset(
        source_id=f"asset-{number:07}",
        title=f"A harbour in the morning, number {number}",
        why="it was not carried yet",
        action="new",
        fingerprint="v1",
        size=12_345,
        requests=5,
        spends={},
    )


def _begin_forms(client: httpx.Client, session: Session) -> dict[str, str]:
    """Begin a change and a connector; return the ids of these and of the plan."""
    forms = {
        "draft": ("/switch", {"connector": "stock", "enabled": "no"}),
        "setup": ("/begin", {"plugin": "istock", "title": "Another", "portal": "brand"}),
    }
    headers = {"Origin": str(client.base_url).rstrip("/")}
    led = {
        name: client.post(path, data=form, headers=headers).headers["location"]
        for name, (path, form) in forms.items()
    }
    (plan,) = Plans(session.database).latest("stock", 1)
    return {name: httpx.URL(location).params["id"] for name, location in led.items()} | {"plan": plan.id}


def _time_pages(session: Session) -> None:
    addresses: Queue[str] = Queue()
    console = Console(session, on_listening=addresses.put)
    thread = threading.Thread(target=console.run, args=("127.0.0.1", 0))
    thread.start()
    writing = threading.Event()
    writer = threading.Thread(target=_write, args=(session, writing))
    writer.start()
    try:
        address = httpx.URL(addresses.get(timeout=60))
        with httpx.Client(base_url=f"http://{address.netloc.decode()}", timeout=60) as client:
            client.get(str(address))
            ids = _begin_forms(client, session)
            for name in sys.argv[2:] or PAGES:
                times = sorted(_times_of(client, PAGES[name].format_map(ids)))
                print(f"{name:32} median {times[TIMES // 2]:6.1f} ms, p95 {times[TIMES * 95 // 100]:6.1f} ms")
    finally:
        writing.set()
        writer.join()
        console.stop()
        thread.join()


def _times_of(client: httpx.Client, path: str) -> Iterator[float]:
    for _ in range(TIMES):
        began = time.perf_counter()
        client.get(path).raise_for_status()
        yield 1000 * (time.perf_counter() - began)


def _write(session: Session, done: threading.Event) -> None:
    """Claim and finish rows as a run does, 20 in a second."""
    with Lease(session.database, "stock") as lease:
        ledger = Ledger(session.database, "stock", lease.epoch)
        while not done.wait(0.05):
            if (row := ledger.claim()) is not None:
                ledger.mark_skipped(row, "bench")


if __name__ == "__main__":
    main()
