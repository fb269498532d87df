"""A whole site on loopback for one test: a sandbox, a config, and the real command line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from canaries import canaries
from forks import Forked
from own_log import restored_log
from ports import free_port

from damlink._cli import main
from damlink._config.edit import document
from damlink_sandbox import Sandbox
from damlink_sandbox.mark import SECRET_MARK

COMMAND = (sys.executable, "-m", "damlink")


@attrs.define
class Site:
    """One folder with a config, and the world that it connects."""

    folder: Path
    sandbox: Sandbox
    tables: dict[str, Any]

    def write(self) -> None:
        """Write `damlink.toml` from the tables."""
        (self.folder / "damlink.toml").write_text(document(self.tables), encoding="utf-8")

    def connector(self, name: str = "stock", **settings: Any) -> None:
        """Change a connector's settings; `None` takes one out."""
        table = self.tables["connectors"][name]
        table.update(settings)
        self.tables["connectors"][name] = {key: value for key, value in table.items() if value is not None}
        self.write()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a child process."""
        return {
            **os.environ,
            "DAMLINK_STATE_DIR": str(self.folder),
            "TOKEN": self.portal.token,
            **SECRET_VALUES,
        }

    def start(
        self,
        *arguments: str,
        fresh: bool = False,
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> subprocess.Popen[str]:
        """Start the command line in a child process; `fresh` in an interpreter of its own."""
        return (subprocess.Popen if fresh else Forked)(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=dict(environment or self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(self, *arguments: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end, in this process; a different exit code fails the test."""
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            restored_log(),
        ):
            patch.chdir(self.folder)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            try:
                main(arguments)
            except SystemExit as end:
                code = int(end.code or 0)
        return _judged(arguments, code, out.getvalue(), err.getvalue(), expect)

    def run_child(
        self, *arguments: str, expect: int | None = 0, timeout: float = 110
    ) -> subprocess.CompletedProcess[str]:
        """The same in a child process, for what needs one."""
        child = self.start(*arguments)
        out, err = child.communicate(timeout=timeout)
        return _judged(arguments, child.returncode, out, err, expect)

    def assets(self, state: str | None = None) -> list[dict[str, Any]]:
        """The ledger as the command line tells it."""
        chosen = ["--state", state] if state else []
        out = self.run("assets", "stock", "--json", *chosen).stdout
        return [json.loads(line) for line in out.splitlines()]

    @property
    def portal(self) -> Any:
        """The sandbox's portal."""
        return self.sandbox.part("bynder")

    @property
    def istock(self) -> Any:
        """The sandbox's iStock."""
        return self.sandbox.part("istock")

    def stored(self) -> dict[str, list[dict[str, Any]]]:
        """The portal's assets by their iStock id."""
        found: dict[str, list[dict[str, Any]]] = {}
        for asset in self.portal.state()["assets"]:
            for tag in asset["tags"]:
                if tag.isdigit():
                    found.setdefault(tag, []).append(asset)
        return found

    def licensed(self) -> dict[str, Mapping[str, Any]]:
        """What iStock lists, by id."""
        return {each["id"]: each for each in self.istock.state()["licensed"]}


def _judged(
    arguments: Sequence[str], code: int, out: str, err: str, expect: int | None
) -> subprocess.CompletedProcess[str]:
    canaries.look("the output of a command", out + err)
    if expect is not None:
        assert code == expect, f"exit {code}\n{out}\n{err}"
    return subprocess.CompletedProcess(arguments, code, out, err)


SECRET_VALUES = {
    "ISTOCK_API_KEY": f"sandbox-istock-key-{SECRET_MARK}",
    "ISTOCK_API_SECRET": f"sandbox-istock-secret-{SECRET_MARK}",
    "ISTOCK_USERNAME": "sandbox.user",
    "ISTOCK_PASSWORD": f"sandbox-password-{SECRET_MARK}",
}


def ask_for_consent(site: Site, host: str) -> None:
    """Have the portal want a person's consent, sent back to a free port; `CLIENT_SECRET` is to be set."""
    redirect = f"http://{host}:{free_port()}/callback"
    site.portal.control("tokens", {"redirects": [redirect]})
    site.tables["portals"]["brand"] = {
        "url": site.sandbox.origins["portal"],
        "auth": "oauth2-code",
        "client_id": site.portal.client_id,
        "client_secret": {"env": "CLIENT_SECRET"},
        "redirect_url": redirect,
    }
    site.write()


def prepare_workers(site: Site, url: str) -> Site:
    """Let a site keep its state in a PostgreSQL, ready for workers."""
    site.tables["state"] = {"url": url}
    site.connector(every="1h")
    site.portal.control("lag", {"index": 0})
    site.write()
    site.run("state", "upgrade")
    return site


def until(true: Callable[[], Any], seconds: float = 60.0, *, pause: float = 0.02) -> Any:
    """What there is in the end; it fails the test if nothing is in all that time."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(pause)
    return found


def is_reserved(site: Site) -> bool:
    """Whether a tenth of the pace is reserved for events and checks."""
    with contextlib.suppress(sqlite3.OperationalError):  # it is not made yet
        address = f"file:{site.folder / 'pace.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
            return bool(database.execute("SELECT until FROM reserve").fetchone()[0])
    return False


def assert_arrived_once_and_whole(site: Site, ids: set[str]) -> None:
    """Every one of these assets is in the portal once, with the bytes of its source."""
    stored, licensed = site.stored(), site.licensed()
    counts = {key: len(stored.get(key, ())) for key in sorted(ids)}
    wrong = {key: count for key, count in counts.items() if count != 1}
    assert wrong == {}, [asset for asset in site.assets() if asset["source_id"] in wrong]
    assert {key for key in ids if stored[key][0]["sha256"] != licensed[key]["sha256"]} == set()


def assert_downloads_repeated_are_reported(site: Site) -> dict[str, int]:
    """How often each asset was downloaded once too often; each of these assets says so."""
    counts = site.sandbox.world.counts
    repeated = {key: extra for key in site.licensed() if (extra := counts[f"licences:{key}"] - 1) > 0}
    assert {*repeated} <= {each["source_id"] for each in site.assets() if "charged twice" in each["notice"]}
    return repeated
