"""The place of a soak: the sandbox, a config with three connectors, one clock for both sides, processes."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import attrs

from damlink._config.edit import ConfigFile
from damlink_sandbox import Sandbox, Synthetic
from damlink_sandbox.commands.children import free_address
from damlink_sandbox.commands.config import write_sandbox_config

__all__ = ["CONNECTORS", "Site", "simulated_days"]

CONNECTORS: Final = ("gelato", "imatag", "istock")
SIMULATED_DAYS: Final = 360
LISTINGS_A_MINUTE: Final = 24
COMMAND_SECONDS: Final = 300
STOP_SECONDS: Final = 60
UNFINISHED: Final = """
    SELECT connector, source_id, state, reason, last_error FROM ledger
    WHERE state NOT IN ('pushed', 'skipped', 'removed')
"""
MEDIA: Final = [
    *(Synthetic(f"photo-{seed}.jpg", 8_000 + 97 * seed, "image", seed, 800, 500) for seed in range(12)),
    Synthetic("film.mov", 120_000, "video", 12, 640, 360),
]


def simulated_days(minutes: float) -> float:
    """Return how many days pass in a minute: a soak of any length is a year, so that all is pruned."""
    return SIMULATED_DAYS / minutes


@attrs.define
class Site:
    """What a soak works with.

    Attributes:
        wrong_by: seconds by which the product's clock is wrong.
    """

    folder: Path
    sandbox: Sandbox
    wrong_by: float = 0.0
    _ahead: float = 0.0

    @property
    def clock(self) -> Path:
        """The file that moves the children's clock."""
        return self.folder / "clock"

    def prepare(self, minutes: float) -> None:
        """Write the config, and put into the portal and the partners what is there from the start."""
        parts = self.sandbox.parts
        for part in parts.values():
            if furnish := getattr(part, "furnish", None):
                furnish(parts)
        parts["bynder"].control("pace", {"requests": 1_000_000, "seconds": 300})
        path = write_sandbox_config(self.folder, parts.values(), free_address())
        path.write_text(f"[pace]\nrequests = 2000\nseconds = 10\nshare = 1.0\n\n{path.read_text()}")
        config, every = ConfigFile(path), simulated_days(minutes) * 24 / LISTINGS_A_MINUTE
        for name in CONNECTORS:
            config.update("connectors", name, {"every": f"{max(1, round(every * 60))}m"})
        config.write()
        self.pass_time(0.0)

    def pass_time(self, seconds: float) -> None:
        """Move both sides' clocks; the product's may be wrong."""
        self.sandbox.world.clock.advance(seconds)
        self._ahead += seconds
        # In place and in one step: the children read it all the time.
        handle = os.open(self.clock, os.O_WRONLY | os.O_CREAT)
        os.pwrite(handle, struct.pack("d", self._ahead + self.wrong_by), 0)
        os.close(handle)

    @property
    def day(self) -> float:
        """Simulated days so far."""
        return self._ahead / 86_400

    # --- processes -----------------------------------------------------------------------------------

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command; its output is appended to `NAME.log`."""
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                self._command(*arguments), cwd=self.folder, env=self._environment, stdout=log, stderr=log
            )

    def call(self, *arguments: str) -> tuple[int, str]:
        """Run a command to its end; its exit code and its output."""
        done = subprocess.run(
            self._command(*arguments),
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        with (self.folder / "calls.log").open("a") as log:
            log.write(f"$ {' '.join(arguments)} -> {done.returncode}\n{done.stderr}")
        return done.returncode, done.stdout

    def unfinished(self) -> list[dict[str, Any]]:
        """The rows of all connectors that are not finished."""
        with contextlib.closing(sqlite3.connect(self.folder / "damlink.db")) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(UNFINISHED)]

    def stop(self, child: subprocess.Popen[bytes]) -> int:
        """End a process as a service manager does; its exit code."""
        child.send_signal(signal.SIGTERM)
        return child.wait(STOP_SECONDS)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(Path(__file__).with_name("child.py")), str(self.clock), *arguments]

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "DAMLINK_STATE_DIR": str(self.folder)}
