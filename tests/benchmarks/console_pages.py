"""Time every page of the console over a large ledger, while a run writes, and count its bytes.

    python tests/benchmarks/console_pages.py                   all pages; prints a line for each
    python tests/benchmarks/console_pages.py --write           writes the page of the docs as well
    python tests/benchmarks/console_pages.py 10000 --requests 5 overview runs

The ledger has a million rows of one connector on SQLite, 3 % of them not carried, and as many lines of its
history and entries of the audit log. Another thread lists, claims and finishes rows meanwhile. A saved plan
has a tenth as many assets, and the inbox 1,000 events. The requests of a page are sent one after the other
over HTTP.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from queue import Queue
from typing import Final

import attrs
import httpx
from machine import describe_processor

from damlink._config.load import loads
from damlink._console import pages
from damlink._console.roles import LASTING_PATHS
from damlink._console.server import Console
from damlink._model import SourceAsset
from damlink._run.session import Session
from damlink._state.access import Access
from damlink._state.inbox import Inbox, Notification
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.plans import PlannedAsset, Plans
from damlink._state.refusals import Refusals
from damlink._state.users import Role, Users

CONFIG = """
[portals.brand]
url = "http://127.0.0.1:9"
token = { env = "TOKEN" }

[connectors.stock]
plugin = "istock"
api_key = { env = "TOKEN" }
api_secret = { env = "TOKEN" }
"""
GOAL_MILLISECONDS: Final = 100
GOAL_BYTES: Final = 80_000
LISTED_AT_ONCE: Final = 500
DOCS: Final = Path(__file__).parents[2] / "docs" / "reference" / "console-benchmarks.md"
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
HISTORY = """
INSERT INTO history (connector, source_id, at, run, from_state, to_state, cause)
SELECT connector, source_id, updated_at, NULL, 'running', state, last_error FROM ledger ORDER BY updated_at
"""
LATENCIES = """
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 90 * 60 - 1)
INSERT INTO latency (connector, day, bucket, count)
SELECT 'stock', date('now', '-' || (n / 60) || ' days'), n % 60, 1 + n % 7 FROM numbers
"""
RUNS = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 500)
INSERT INTO run (connector, epoch, owner, started_at, finished_at, exit_code, error, totals, listing, every)
SELECT 'stock', n, 'here/1/1', datetime('now', '-' || ((500 - n) * 4) || ' hours') || '.000000',
    datetime('now', '-' || ((500 - n) * 4) || ' hours', '+10 minutes') || '.000000', n % 2, '',
    '{"listed": {"new": 9}, "outcomes": {"pushed": 1990, "failed": 9}, "bytes": 123456789, "seconds": 600.0}',
    1, 14400 FROM numbers
"""
# Nothing of the newest half is about the connector: its timeline must not look for it to the end.
AUDIT = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :rows)
INSERT INTO audit (number, at, user, action, subject, details, previous, hash)
SELECT n, '2026-01-01T00:00:00.000+00:00', 'os:somebody', 'edit',
    CASE WHEN n < :rows / 2 THEN 'stock' ELSE 'another' END,
    '{"every": ["15m", "1h"]}', printf('%064d', n - 1), printf('%064d', n)
FROM numbers
"""
PAGES = {
    "overview": "/",
    "connectors": "/connectors",
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
    "one event": "/event?portal=brand&number=1",
    "activity": "/activity",
    "browse": "/plugins",
    "portals": "/portals",
    "users": "/users",
    "one user": "/user?name=user-00",
    "your password": "/password",
    "file for support": "/diagnostics",
}
PAGE: Final = """\
<!-- Written by `python tests/benchmarks/console_pages.py --write`. Do not edit it here. -->

# Measurements of the console

Every page of the console over a ledger of {rows:,} rows on SQLite, measured on {date}, while a thread of the
same process lists, claims and finishes rows as a run does. The goal is {goal} ms or less for 95 of 100
requests.

| page | address | median, ms | 95 of 100 within, ms | bytes, compressed |
| --- | --- | --- | --- | --- |
{lines}

The overview with its style sheet and scripts, as a browser without a cache fetches it, is {first:,} bytes;
the goal is {most:,} bytes or less. The file for support itself, which counts the rows of all tables, took
{support:.1f} s.

* 3 % of the rows are not carried, in some 60 groups of causes. The history and the audit log have as many
  lines as the ledger has rows; a saved plan has a tenth as many assets; the inbox has 1,000 events.
* {requests} requests a page over HTTP on loopback, one after the other, from the process of the console: what
  the client needs is in the times.
* A search looks at the rows for 50 ms; then the page shows what was found so far, and leads on.
* Measured on {machine}; Python {python}, Damlink {damlink}.
"""


@attrs.frozen
class Timed:
    """One page: times in milliseconds, and its compressed bytes."""

    name: str
    address: str
    median: float
    p95: float
    transferred: int

    def __str__(self) -> str:
        times = f"median {self.median:6.1f} ms, p95 {self.p95:6.1f} ms"
        return f"{self.name:32} {times}, {self.transferred:7,} bytes"

    def line(self) -> str:
        """Return the line of the table."""
        path = self.address.partition("?")[0]
        cells = (self.name, f"`{path}`", f"{self.median:.1f}", f"{self.p95:.1f}", f"{self.transferred:,}")
        return f"| {' | '.join(cells)} |"


def main() -> None:
    """Make the ledger, start a console, and time its pages."""
    if missing := {*pages.PAGES} - {address.partition("?")[0] for address in PAGES.values()}:
        sys.exit(f"no address of {', '.join(sorted(missing))}")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("pages", nargs="*", help="names of pages; all if none is given")
    parser.add_argument("--requests", type=int, default=100, help="of each page")
    parser.add_argument("--write", action="store_true", help="write the page of the docs")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"TOKEN": "x", "DAMLINK_STATE_DIR": folder, "DAMLINK_KEY": "A" * 43 + "="}
        path = Path(folder) / "damlink.toml"
        path.write_text(CONFIG)
        with Session(loads(CONFIG, path)) as session:
            _fill(session, given.rows)
            _fill_plan_and_inbox(session, given.rows // 10)
            text = _measure(session, given.rows, given.pages or PAGES, given.requests)
    if given.write:
        DOCS.write_text(text, encoding="utf-8")


def _fill(session: Session, rows: int) -> None:
    began = time.perf_counter()
    with session.database.write() as connection:
        for statement in (ROWS, AUDIT):
            connection.exec_driver_sql(statement, {"rows": rows})
        for statement in (HISTORY, LATENCIES, RUNS):
            connection.exec_driver_sql(statement)
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
    for number in range(20):
        name = f"user-{number:02}"
        Users(session.database).add(name, Role.VIEWER, None)
        Access(session.database).make_token(name, "a program", None)
        Refusals(session.database).add("brand", "forged", f"arn:{number}", "the signature is wrong", "", 1)


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


def _measure(session: Session, rows: int, names: Sequence[str], requests: int) -> str:
    """Time the pages; return the page of the docs."""
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
            timed = [_time(client, name, PAGES[name].format_map(ids), requests) for name in names]
            first = sum(_fetch(client, path)[1] for path in ("/", "/console.css", *LASTING_PATHS))
            support, _ = _fetch(client, "/diagnostics.zip")
    finally:
        writing.set()
        writer.join()
        console.stop()
        thread.join()
    print(f"first page with style sheet and scripts {first:,} bytes; file for support {support:.1f} s")
    return _page(timed, {"rows": rows, "first": first, "support": support, "requests": requests})


def _page(timed: Sequence[Timed], figures: Mapping[str, float]) -> str:
    return PAGE.format(
        **figures,
        date=datetime.now(UTC).date(),
        lines="\n".join(each.line() for each in timed),
        goal=GOAL_MILLISECONDS,
        most=GOAL_BYTES,
        machine=describe_processor(),
        python=".".join(map(str, sys.version_info[:3])),
        damlink=version("damlink"),
    )


def _time(client: httpx.Client, name: str, address: str, requests: int) -> Timed:
    """Fetch a page so many times, and print its times."""
    fetched = [_fetch(client, address) for _ in range(requests)]
    times = sorted(1000 * seconds for seconds, _ in fetched)
    p95 = times[min(len(times) - 1, len(times) * 95 // 100)]
    timed = Timed(name, address, times[len(times) // 2], p95, max(size for _, size in fetched))
    print(timed, flush=True)
    return timed


def _fetch(client: httpx.Client, address: str) -> tuple[float, int]:
    """Return the seconds that an answer takes, and its bytes as they were sent."""
    began = time.perf_counter()
    with client.stream("GET", address) as answer:
        answer.raise_for_status()
        size = sum(map(len, answer.iter_raw()))
    return time.perf_counter() - began, size


def _write(session: Session, done: threading.Event) -> None:
    """List 500 rows in a second, and claim and finish 20 of them, as a run does."""
    with Lease(session.database, "stock") as lease:
        ledger = Ledger(session.database, "stock", lease.epoch)
        number = 0
        while not done.wait(0.05):
            if number % 20 == 0:
                items = [SourceAsset(f"new-{number:06}-{each:03}", "v1") for each in range(LISTED_AT_ONCE)]
                ledger.record(Listed(items), "all")
            number += 1
            if (row := ledger.claim()) is not None:
                ledger.mark_skipped(row, "bench")


if __name__ == "__main__":
    main()
