"""Commands that the console starts, each in a process of its own: they take longer than a page may."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import attrs

from damlink._console.page import command_text
from damlink.errors import RunActiveError

__all__ = ["Job", "Jobs"]

MOST_JOBS: Final = 20  # that have ended, of each connector
SHOWN_BYTES: Final = 4096
SHOWN_LINES: Final = 20
# A run that is ended saves its checkpoints first, and waits for the hooks under way.
GRACE_SECONDS: Final = 60.0


@attrs.frozen(kw_only=True)
class Job:
    """A command that was started here.

    Attributes:
        exit_code: `None` while it runs.
        lines: the last ones of its output.
    """

    command: str
    started_at: datetime
    exit_code: int | None
    lines: list[str]


@attrs.define
class _Child:
    words: tuple[str, ...]
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    started_at: datetime

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def describe(self) -> Job:
        code = self.process.poll()
        return Job(
            command=command_text(*self.words),
            started_at=self.started_at,
            exit_code=code,
            lines=self._read_end(),
        )

    @property
    def mark(self) -> tuple[int | None, int]:
        """Exit code and size of the output: it changes when the command writes or ends."""
        return self.process.poll(), os.fstat(self.output.fileno()).st_size

    def _read_end(self) -> list[str]:
        # Not by `seek`: the child writes at the same position.
        size = os.fstat(self.output.fileno()).st_size
        text = os.pread(self.output.fileno(), SHOWN_BYTES, max(0, size - SHOWN_BYTES))
        return text.decode("utf-8", "replace").splitlines()[-SHOWN_LINES:]


class Jobs:
    """The commands of one console. The lease protects what they do; their output is kept in unnamed files."""

    def __init__(self, config_path: Path) -> None:
        self._config = str(config_path.resolve())
        self._lock = threading.Lock()
        self._children: dict[str, list[_Child]] = {}

    def start(self, connector: str, *words: str) -> None:
        """Start a command of a connector.

        Raises:
            RunActiveError: the last one has not ended.
        """
        with self._lock:
            own = self._children.setdefault(connector, [])
            if own and own[-1].runs:
                what = f"{connector}: `{command_text(*own[-1].words)}` has not ended"
                raise RunActiveError(what, hint="wait for it, or stop it")
            own.append(self._spawn(words))
            while len(own) > MOST_JOBS:
                own.pop(0).output.close()

    def _spawn(self, words: tuple[str, ...]) -> _Child:
        output = tempfile.TemporaryFile()  # noqa: SIM115 - the job closes it
        # A session of its own: Ctrl-C at the console reaches it once, from here.
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "damlink", *words, "--config", self._config],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return _Child(words, process, output, datetime.now(UTC))

    def latest(self, connector: str, limit: int) -> list[Job]:
        """Return the last commands of a connector, the newest first."""
        with self._lock:
            return [each.describe() for each in reversed(self._children.get(connector, [])[-limit:])]

    def marks(self) -> dict[str, tuple[object, ...]]:
        """Return a value for each connector that changes when one of its commands writes or ends."""
        with self._lock:
            return {
                name: (len(own), own[-1].started_at, own[-1].mark)
                for name, own in self._children.items()
                if own
            }

    def stop(self, connector: str) -> bool:
        """Ask the command of a connector to end, as Ctrl-C does; return whether there was one."""
        with self._lock:
            running = [each for each in self._children.get(connector, []) if each.runs]
        for each in running:
            each.process.terminate()
        return bool(running)

    def close(self) -> None:
        """End all commands, and wait for them."""
        children = list(self._all())
        for each in children:
            if each.runs:
                each.process.terminate()
        for each in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                each.process.wait(GRACE_SECONDS)
            each.process.kill()
            each.process.wait()
            each.output.close()

    def _all(self) -> Iterator[_Child]:
        with self._lock:
            for own in self._children.values():
                yield from own
