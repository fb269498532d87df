"""Child processes of the command line that need not import it anew: half a second of work saved for each.

A process of its own, the origin, imports what the commands need and has no threads. It forks twice for each
child and the one in between ends at once, so that the child belongs to the process that asked for it. The
child is as real as any: it has its own pid, files, environment and session, takes every signal, and its exit
code is waited for. What looks at the command line or the memory of a process starts an interpreter instead.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import faulty_files
from kill_points import instrument

__all__ = ["Forked"]

PR_SET_CHILD_SUBREAPER: Final = 36
MOST_BYTES: Final = 1 << 20
IMPORTED: Final = (
    *(
        f"damlink._cli.{name}"
        for name in ("run", "serve", "init", "portal", "add", "check", "plan", "login", "events")
    ),
    *("damlink._run.runner", "damlink._serve.server", "damlink._upload.portal", "damlink.testing"),
    *("damlink_istock.plugin", "damlink_imatag.plugin", "damlink_gelato.plugin", "damlink_folder.plugin"),
    *("alembic.command", "psycopg", "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite"),
    *(
        "cryptography.hazmat.primitives.ciphers.aead",
        "rich.progress",
        "tomlkit",
        "uvicorn.protocols.http.h11_impl",
    ),
)


class ForkedPopen(subprocess.Popen[str]):
    """`subprocess.Popen` for `python -m damlink …`: all but the birth is the standard library's."""

    def _execute_child(self, args: Any, *rest: Any) -> None:
        cwd, env, ends, is_leader = rest[4], rest[5], rest[9:15], rest[20]
        files = [end if end >= 0 else number for number, end in enumerate((ends[0], ends[3], ends[5]))]
        umask = Path("/proc/self/status").read_text(encoding="ascii").partition("Umask:")[2].split()[0]
        asked = {"args": args[3:], "cwd": str(cwd), "env": dict(env), "is_leader": is_leader, "umask": umask}
        try:
            self.pid = _fork(json.dumps(asked).encode(), files)
            self._child_created = True
        finally:
            self._close_pipe_fds(*ends)  # type: ignore[attr-defined]


def _fork(asked: bytes, files: list[int]) -> int:
    origin = _origin()
    _adopt(True)
    try:
        socket.send_fds(origin, [asked], files)
        return int(origin.recv(64))
    finally:
        _adopt(False)


def _adopt(is_wanted: bool) -> None:
    """Become the parent of children whose own parent ends, or leave them to the system."""
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(is_wanted), 0, 0, 0) == 0


@functools.cache
def _origin() -> socket.socket:
    """The way to the origin, started at the first call; it ends when this process does."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    null = subprocess.DEVNULL
    command = [sys.executable, __file__, str(far.fileno())]
    _origins.append(subprocess.Popen(command, stdin=null, stdout=null, pass_fds=[far.fileno()]))
    far.close()
    return near


_origins: list[subprocess.Popen[bytes]] = []


# Elsewhere a process cannot adopt the children of its children.
Forked: type[subprocess.Popen[str]] = ForkedPopen if sys.platform == "linux" else subprocess.Popen


# --- the origin ------------------------------------------------------------------------------------


def serve(asking: socket.socket) -> dict[str, Any] | None:
    """Fork for each request; returns it in the child, and `None` in the origin when nobody asks any more."""
    while True:
        asked, files, _, _ = socket.recv_fds(asking, MOST_BYTES, 3)
        if not asked:
            return None
        reading, writing = os.pipe()
        between = os.fork()
        if between == 0:
            child = os.fork()
            if child:
                os.write(writing, str(child).encode())
                os._exit(0)
            asking.close()
            for number, file in enumerate(files):
                os.dup2(file, number)
        else:
            os.waitpid(between, 0)
            asking.send(os.read(reading, 64))
        for file in (*files, reading, writing):
            os.close(file)
        if between == 0:
            return dict(json.loads(asked))


def become(asked: dict[str, Any]) -> None:
    """Stand where an interpreter would that was started as asked."""
    if asked["is_leader"]:
        os.setsid()
    os.umask(int(asked["umask"], 8))
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    paths = asked["env"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [asked["cwd"], *(path for path in paths if path not in sys.path)]
    sys.argv = ["damlink", *asked["args"]]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())  # type: ignore[union-attr]


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    asked_for = serve(socket.socket(fileno=int(sys.argv[1])))
    if asked_for is not None:
        become(asked_for)
        instrument.install()
        from damlink._cli import main

        if faulty_files.PLAN in os.environ:
            faulty_files.install(os.environ[faulty_files.PLAN])
        main()
