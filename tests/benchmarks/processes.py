"""Child processes: the clients that are measured, and the servers that they talk to."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

HERE = Path(__file__).parent


@attrs.frozen
class Measured:
    """One child process, from its start to its end.

    Attributes:
        seconds: what the row counts: the whole process, unless something finer is known.
        cpu: seconds of processor time, of user and system.
        peak: bytes of memory.
        counts: what the portal has counted.
    """

    seconds: float
    wall: float
    cpu: float
    peak: int
    out: str = ""
    err: str = ""
    counts: Mapping[str, Any] = attrs.field(factory=dict)


class FailedError(Exception):
    """A child has failed; the message is what it wrote."""


def measure(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None, expect: int = 0
) -> Measured:
    """Run a command to its end.

    Raises:
        FailedError: it ended with another exit code.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        child = subprocess.Popen(
            [*map(str, command)],
            cwd=folder,
            env={**clean_environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        written, said = out.read().decode(), err.read().decode()
    if child.returncode != expect:
        raise FailedError(f"{' '.join(map(str, command))[:200]}: exit {child.returncode}\n{said[-3000:]}")
    return Measured(wall, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, written, said)


def clean_environment() -> dict[str, str]:
    """Return the environment without what would slow children down or send them elsewhere."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "DAMLINK_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(left_out)}


@contextlib.contextmanager
def server(script: str, *arguments: object) -> Iterator[str]:
    """Run a server of this folder in a process of its own; yield its address."""
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            yield child.stdout.readline().strip()
        finally:
            child.terminate()


def read_counts(address: str) -> dict[str, Any]:
    """Return what a portal has counted."""
    # Our own portal on loopback.
    context = ssl._create_unverified_context()
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    with opener.open(f"{address}/counts") as answer:
        found: dict[str, Any] = json.load(answer)
    return found
