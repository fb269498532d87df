"""A pseudo terminal, with the command line on it and a test in front of it."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
import types
from collections.abc import Iterable
from typing import Self

from forks import Forked
from loopback import COMMAND, Site

PATIENCE_SECONDS = 60.0
CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal:
    """A child process that believes a person sits in front of it; a context manager."""

    def __init__(self, site: Site, *arguments: str) -> None:
        self._near, far = pty.openpty()
        termios.tcsetwinsize(far, (24, 100))
        self.child = Forked(
            [*COMMAND, *arguments],
            cwd=site.folder,
            env=site.environment | {"TERM": "xterm-256color"},
            stdin=far,
            stdout=far,
            stderr=far,
            start_new_session=True,  # or it would ask for passwords on the terminal of whoever tests
        )
        os.close(far)
        self._raw = b""
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.child.kill()
        self.child.wait()
        os.close(self._near)

    @property
    def shown(self) -> str:
        """All that has been written so far, without control sequences."""
        return CONTROLS.sub("", self._raw.decode(errors="replace"))

    def expect(self, text: str) -> None:
        """Read on until a text appears behind what was expected last."""
        while (found := self.shown.find(text, self._read)) < 0:
            assert self._more(), f"no {text!r} in:\n{self.shown[self._read :]}"
        self._read = found + len(text)

    def answer(self, question: str, text: str) -> None:
        """Wait for a question, and type an answer."""
        self.expect(f"\n{question}")
        self.expect(": ")
        os.write(self._near, f"{text}\n".encode())

    def answers(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Wait for each question, and type its answer; an empty question is the one waited for already."""
        for question, text in pairs:
            if question:
                self.answer(question, text)
            else:
                os.write(self._near, f"{text}\n".encode())

    def interrupt(self) -> str:
        """Press Ctrl-C at a question until it ends; all that was shown.

        Python misses an interrupt that comes right between the prompt and the wait for a line.
        """
        while self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(timeout=2)
        return self.end()

    def end(self) -> str:
        """Read to the end; all that was shown."""
        while self._more():
            pass
        self.child.wait(timeout=PATIENCE_SECONDS)
        return self.shown

    def _more(self) -> bool:
        deadline = time.monotonic() + PATIENCE_SECONDS
        ready, _, _ = select.select([self._near], [], [], deadline - time.monotonic())
        piece = b""
        with contextlib.suppress(OSError):  # so Linux says that the other end is closed
            piece = os.read(self._near, 65536) if ready else b""
        self._raw += piece
        return bool(piece)
