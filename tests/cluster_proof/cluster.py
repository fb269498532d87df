"""A slow portal, a PostgreSQL, and workers in processes of their own."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import psycopg
from istock_site import istock_site
from loopback import Site
from postgres_server import postgres_server, restart

from damlink_sandbox import Fault, Synthetic

__all__ = ["WINDOW_SECONDS", "Cluster", "cluster", "slow_cluster"]

CHILD: Final = Path(__file__).with_name("child.py")
WINDOW_SECONDS: Final = 30.0
REQUEST_SECONDS: Final = 0.2


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
    """A cluster that brings so many assets from iStock."""
    media = [Synthetic(f"photo-{n}.jpg", 3_000 + n, "image", n, 160, 100) for n in range(assets)]
    with slow_cluster(lambda folder: istock_site(folder, media), "stock") as made:
        yield made


@contextlib.contextmanager
def slow_cluster(open_site: Callable[[Path], Any], name: str) -> Iterator[Cluster]:
    with contextlib.ExitStack() as closing:
        make = closing.enter_context(postgres_server())
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="cluster-proof-")))
        site = closing.enter_context(open_site(folder))
        address = make()
        with psycopg.connect(address, autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET max_connections = 200")
        restart(address)
        site.tables["state"] = {"url": address}
        site.tables["pace"] = {"requests": 1_000_000, "seconds": WINDOW_SECONDS, "share": 1.0}
        site.connector(name, every="1h", workers=8)
        site.write()
        site.sandbox.world.faults.add(Fault(service="portal", kind="delay", seconds=REQUEST_SECONDS, times=0))
        site.run("state", "upgrade")
        yield Cluster(site, address, closing.enter_context(contextlib.ExitStack()))
