"""`make cluster-proof`: workers that share a budget, and workers that are killed, counted by the portal."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import psycopg
from cluster_proof.page import write_page
from istock_site import istock_site
from loopback import Site, until
from postgres_server import postgres_server

from damlink_sandbox import Fault, Synthetic

CHILD: Final = Path(__file__).with_name("child.py")
RESULTS: Final = Path(__file__).with_name("last.json")
REQUESTS, WINDOW_SECONDS = 450, 30.0
# Of each address, where every worker has its own: two cores do not carry eight times the other one.
REQUESTS_EACH: Final = 120
REQUEST_SECONDS: Final = 0.2
KILL_EVERY_SECONDS: Final = 5.0
FROZEN: Final = 3


@attrs.define
class Cluster:
    """A slow portal, a PostgreSQL and its workers."""

    site: Site
    address: str
    running: contextlib.ExitStack
    workers: list[subprocess.Popen[str]] = attrs.field(factory=list)

    def start(self, wrong_by: float = 0.0, address: str = "127.0.0.1", threads: int = 8) -> None:
        options = ["--concurrency", str(threads), "--quiet"]
        command = [sys.executable, str(CHILD), str(wrong_by), "worker", *options]
        environment = {**self.site.environment, "DAMLINK_ADDRESS": address}
        with (self.site.folder / "workers.log").open("a") as log:
            process = subprocess.Popen(command, cwd=self.site.folder, env=environment, stderr=log, text=True)
        self.running.callback(process.wait)
        self.running.callback(process.kill)
        self.workers.append(process)

    def stop(self) -> None:
        for each in self.workers:
            each.send_signal(signal.SIGCONT)
            each.terminate()
        for each in self.workers:
            each.wait(timeout=60)

    def ask(self, query: str, *given: Any) -> list[Any]:
        with psycopg.connect(self.address) as connection:
            return connection.execute(query, given).fetchall()

    def numbers(self) -> dict[int, int]:
        """The number of each living worker, by its process."""
        found = self.ask("SELECT id, owner FROM worker WHERE ended_at IS NULL")
        return {int(owner.split("/")[-2]): number for number, owner in found}


@contextlib.contextmanager
def cluster(assets: int) -> Iterator[Cluster]:
    media = [Synthetic(f"photo-{n}.jpg", 3_000 + n, "image", n, 160, 100) for n in range(assets)]
    with contextlib.ExitStack() as closing:
        make = closing.enter_context(postgres_server())
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="cluster-proof-")))
        site = closing.enter_context(istock_site(folder, media))
        address = make()
        site.tables["state"] = {"url": address}
        site.tables["pace"] = {"requests": 1_000_000, "seconds": WINDOW_SECONDS, "share": 1.0}
        site.connector(every="1h", workers=8)
        site.write()
        site.sandbox.world.faults.add(Fault(service="portal", kind="delay", seconds=REQUEST_SECONDS, times=0))
        site.run("state", "upgrade")
        yield Cluster(site, address, closing.enter_context(contextlib.ExitStack()))


def prove_budget(workers: int, wrong_by: float) -> dict[str, Any]:
    """Several workers behind one address, whose clocks differ, use the budget, and never more."""
    with cluster(assets=460) as made:
        site = made.site
        site.tables["pace"] = {"requests": REQUESTS, "seconds": WINDOW_SECONDS, "share": 1.0}
        site.write()
        site.portal.control("pace", {"requests": REQUESTS, "seconds": WINDOW_SECONDS})
        for number in range(workers):
            made.start(wrong_by if number % 2 else 0.0)
        until(lambda: site.sandbox.world.counts["requests:portal"] > 5, 60)
        time.sleep(WINDOW_SECONDS)
        sent, seconds = count_requests(site, 2 * WINDOW_SECONDS)
        (connections,) = made.ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")[
            0
        ]
        judged = site.portal.control("pace", {})
        left = sum(asset["state"] not in ("pushed", "rejected") for asset in site.assets())
        made.stop()
    share = sent / (REQUESTS / WINDOW_SECONDS * seconds)
    return {
        "workers": workers,
        "wrong_by": wrong_by,
        "share": round(share, 3),
        "most": judged["most"],
        "refused": judged["refused"],
        "unfinished": left,
        "connections": int((connections - 1) / workers),
    }


def prove_addresses(workers: int) -> dict[str, Any]:
    """Workers with an address and a budget each carry the same connector together."""
    each = {"env": "DAMLINK_ADDRESS"}
    with cluster(assets=40 + 110 * workers) as made:
        site = made.site
        site.tables["http"] = {"local_address": each}
        limits = {"requests": REQUESTS_EACH, "seconds": WINDOW_SECONDS}
        site.tables["pace"] = {**limits, "share": 1.0, "address": each}
        site.write()
        site.portal.control("pace", limits)
        for number in range(workers):
            # The server takes a hundred connections, and a worker has some for each thread.
            made.start(address=f"127.0.0.{number + 2}", threads=4)
        until(lambda: len(site.portal.control("pace", {})["addresses"]) == workers, 120)
        time.sleep(WINDOW_SECONDS)
        sent, seconds = count_requests(site, 2 * WINDOW_SECONDS)
        judged = site.portal.control("pace", {})
        left = is_finished(made)
        made.stop()
    return {
        "workers": workers,
        "rate": round(sent / seconds, 2),
        "share": round(sent / (workers * REQUESTS_EACH / WINDOW_SECONDS * seconds), 3),
        "most": judged["most"],
        "refused": judged["refused"],
        "ran_dry": left,
    }


def count_requests(site: Site, seconds: float) -> tuple[int, float]:
    """Count the portal's requests for so many seconds; return how many, and how long it took."""
    before, began = site.sandbox.world.counts["requests:portal"], time.monotonic()
    time.sleep(seconds)
    return site.sandbox.world.counts["requests:portal"] - before, time.monotonic() - began


def prove_kills(seconds: float, chance: random.Random) -> dict[str, Any]:
    """A random worker is killed every few seconds, some are frozen; every asset arrives once."""
    taken: dict[str, list[float]] = {"killed": [], "frozen": []}
    with cluster(assets=700) as made:
        for _ in range(3):
            made.start()
        until(lambda: made.site.sandbox.world.counts["requests:portal"] > 5, 60)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep(KILL_EVERY_SECONDS)
            way = "frozen" if len(taken["frozen"]) < FROZEN and chance.random() < 0.3 else "killed"
            taken[way] += take_one_down(made, way, chance)
            made.start()
        made.site.sandbox.world.faults.clear()
        until(lambda: is_finished(made), 120)
        made.stop()
        states = [asset["state"] for asset in made.site.assets()]
        stored = made.site.stored()
    counts = [len(each) for each in stored.values()]
    return {
        "seconds": seconds,
        "assets": len(states),
        "killed": len(taken["killed"]),
        "frozen": len(taken["frozen"]),
        "lost": sum(state not in ("pushed", "uncertain") for state in states),
        "uncertain": states.count("uncertain"),
        "twice": sum(count > 1 for count in counts),
        "taken_killed": sorted(round(each, 2) for each in taken["killed"]),
        "taken_frozen": sorted(round(each, 2) for each in taken["frozen"]),
    }


def take_one_down(made: Cluster, way: str, chance: random.Random) -> list[float]:
    """Kill or freeze a worker that carries; return how long its rows stayed its own, if it had any."""
    numbers = made.numbers()
    alive = [each for each in made.workers if each.pid in numbers]
    if not alive:
        return []
    victim = chance.choice(alive)
    number = numbers[victim.pid]
    if not carried_by(made, number):
        return []
    victim.send_signal(signal.SIGKILL if way == "killed" else signal.SIGSTOP)
    began = time.monotonic()
    until(lambda: not carried_by(made, number), 60, pause=0.05)
    took = time.monotonic() - began
    victim.send_signal(signal.SIGCONT)
    if way == "killed":
        victim.wait()
        made.workers.remove(victim)
    return [took]


def carried_by(made: Cluster, number: int) -> int:
    (row,) = made.ask("SELECT count(*) FROM ledger WHERE state = 'running' AND claimed_by = %s", number)
    return int(row[0])


def is_finished(made: Cluster) -> bool:
    (row,) = made.ask("SELECT count(*) FROM ledger WHERE state NOT IN ('pushed', 'uncertain')")
    return not row[0]


PROOFS: Final[dict[str, Callable[[float], dict[str, Any]]]] = {
    "budget": lambda number: prove_budget(int(number), 0.0),
    "clocks": lambda number: prove_budget(int(number), 300.0),
    "addresses": lambda number: prove_addresses(int(number)),
    "kills": lambda seconds: prove_kills(seconds, random.Random(7)),
}
ROWS: Final = ["budget:1", "budget:2", "budget:4", "clocks:2", "addresses:1", "addresses:4", "kills:60"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="cluster_proof", description=__doc__)
    parser.add_argument("rows", nargs="*", help="budget:, clocks: or addresses:WORKERS, kills:SECONDS")
    rows = parser.parse_args().rows or ROWS
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for row in rows:
        kind, _, number = row.partition(":")
        results[row] = PROOFS[kind](float(number))
        results[row]["load"] = round(os.getloadavg()[0], 1)
        print(row, json.dumps(results[row]), flush=True)
        results["machine"] = {"python": platform.python_version(), "system": platform.platform()}
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    write_page(results)


if __name__ == "__main__":
    main()
