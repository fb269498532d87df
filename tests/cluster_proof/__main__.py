"""`make cluster-proof`: workers that share a budget, and workers that are killed, counted by the portal."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from cluster_proof.cluster import WINDOW_SECONDS, Cluster, cluster, slow_cluster
from cluster_proof.latency import time_events
from cluster_proof.page import write_page
from cluster_proof.rows import ask_of_file, ask_of_server
from cluster_proof.timetable import give_connectors, largest_memory, read_delays, spread_listings
from imatag_site import imatag_site
from loopback import Site, until
from postgres_server import restart

RESULTS: Final = Path(__file__).with_name("last.json")
REQUESTS: Final = 450
# Of each address, where every worker has its own: two cores do not carry eight times the other one.
REQUESTS_EACH: Final = 120
KILL_EVERY_SECONDS: Final = 5.0
# Of each connector, where there are very many.
EVERY_SECONDS: Final = 300.0
WORKERS_TO_KILL: Final = 3
FROZEN: Final = 3


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
    """A random worker is killed every few seconds, some are frozen; every asset arrives once.

    The database is restarted twice meanwhile.
    """
    taken: dict[str, list[float]] = {"killed": [], "frozen": []}
    restarts: list[float] = []
    with cluster(assets=int(700 + 10 * seconds)) as made:
        for _ in range(WORKERS_TO_KILL):
            made.start()
        until(lambda: made.site.sandbox.world.counts["requests:portal"] > 5, 60)
        began, ends = time.monotonic(), time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep(KILL_EVERY_SECONDS)
            if time.monotonic() - began > seconds * (len(restarts) + 1) / 3 and len(restarts) < 2:
                restarts.append(time_restart(made))
            way = "frozen" if len(taken["frozen"]) < FROZEN and chance.random() < 0.3 else "killed"
            taken[way] += take_one_down(made, way, chance)
            for _ in range(WORKERS_TO_KILL - len(made.workers)):
                made.start()
        made.site.sandbox.world.faults.clear()
        until(lambda: is_finished(made), 900)
        made.stop()
        states = [asset["state"] for asset in made.site.assets()]
        stored = made.site.stored()
    counts = [len(each) for each in stored.values()]
    return {
        "seconds": seconds,
        "assets": len(states),
        "restarts": restarts,
        "killed": len(taken["killed"]),
        "frozen": len(taken["frozen"]),
        "lost": sum(state not in ("pushed", "uncertain") for state in states),
        "uncertain": states.count("uncertain"),
        "twice": sum(count > 1 for count in counts),
        "taken_killed": sorted(round(each, 2) for each in taken["killed"]),
        "taken_frozen": sorted(round(each, 2) for each in taken["frozen"]),
    }


def time_restart(made: Cluster) -> float:
    """Restart the database under its workers; return the seconds until one of them carries again."""
    restart(made.address)
    began = time.monotonic()
    query = "SELECT count(*) FROM ledger WHERE state = 'pushed'"
    ((before,),) = made.ask(query)
    until(lambda: made.ask(query)[0][0] > before or is_finished(made), 60)
    return round(time.monotonic() - began, 2)


def prove_events(seconds: float) -> dict[str, Any]:
    """Assets are tagged while as many others as two workers can carry are carried."""
    limits = {"requests": REQUESTS, "seconds": WINDOW_SECONDS}
    with slow_cluster(imatag_site, "marks") as made:
        site = made.site
        for number in range(int(8 * (seconds + WINDOW_SECONDS))):
            site.portal.control("add_asset", {"name": f"{number}", "tags": ["protect"], "media": number % 3})
        site.portal.control("lag", {"index": 0})
        site.tables["pace"] = {**limits, "share": 1.0}
        site.write()
        site.portal.control("pace", limits)
        for _ in range(2):
            made.start()
        until(lambda: site.sandbox.world.counts["requests:portal"] > 5, 60)
        time.sleep(WINDOW_SECONDS)
        times = time_events(site, made.address, "marks", seconds)
        judged = site.portal.control("pace", {})
        ((due,),) = made.ask("SELECT count(*) FROM ledger WHERE state = 'due'")
        made.stop()
    return {"seconds": seconds, **times, "refused": judged["refused"], "left_of_the_back_fill": due}


def prove_rows(count: int) -> dict[str, Any]:
    """One question of each kind at so many rows of a PostgreSQL."""
    with cluster(assets=1) as made, _environment(made.site):
        return {"rows": count, **ask_of_server(made.site.folder, made.address, count, "damlink-proof")}


def prove_file(count: int) -> dict[str, Any]:
    """One question of each kind at so many rows of a SQLite file."""
    with cluster(assets=1) as made, _environment(made.site):
        made.site.tables.pop("state")
        made.site.write()
        return {"rows": count, "is_file": True, **ask_of_file(made.site.folder, count)}


@contextlib.contextmanager
def _environment(site: Site) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in site.environment.items():
            patch.setenv(name, value)
        yield


def prove_connectors(count: int) -> dict[str, Any]:
    """One worker lists so many connectors, each every 5 minutes, to a portal and a source that are slow."""
    with cluster(assets=0) as made:
        give_connectors(made, count, EVERY_SECONDS)
        spread_listings(made.address, count, EVERY_SECONDS)
        made.start()
        time.sleep(2 * EVERY_SECONDS)
        memory = largest_memory(made.workers[0].pid)
        ((failed,),) = made.ask("SELECT count(*) FROM run WHERE error <> ''")
        made.stop()
        delays = read_delays(made.address, EVERY_SECONDS)
    return {
        "connectors": count,
        "every": EVERY_SECONDS,
        "listings": len(delays),
        "failed": failed,
        "delay": {
            what: round(delays[int(len(delays) * part)], 2) for what, part in (("median", 0.5), ("p99", 0.99))
        },
        "memory": memory,
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
    "events": prove_events,
    "rows": lambda number: prove_rows(int(number)),
    "file": lambda number: prove_file(int(number)),
    "connectors": lambda number: prove_connectors(int(number)),
    "kills": lambda seconds: prove_kills(seconds, random.Random(7)),
}
ROWS: Final = ["budget:1", "budget:2", "budget:4", "clocks:2", "addresses:1", "addresses:4", "kills:60"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="cluster_proof", description=__doc__)
    parser.add_argument(
        "rows",
        nargs="*",
        help="budget:, clocks: or addresses:WORKERS, kills: or events:SECONDS, rows:, file: or connectors:NUMBER",
    )
    rows = parser.parse_args().rows or ROWS
    # Whoever ends this ends the workers and the server with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
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
