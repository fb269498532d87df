"""Redaction of secrets on standard output and standard error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from damlink._secret import redact
from damlink._system.disk import naming

__all__ = ["redact_streams"]


@contextlib.contextmanager
def redact_streams() -> Iterator[None]:
    """Redact all text that is printed, including tracebacks and the output of libraries.

    Bytes that were requested, such as the file of an asset, pass through `sys.stdout.buffer` unchanged.
    """
    with (
        contextlib.redirect_stdout(_Redacted(sys.stdout, "standard output")),
        contextlib.redirect_stderr(_Redacted(sys.stderr, "standard error")),
    ):
        yield


class _Redacted:
    """Text stream that writes to another one without secrets.

    Args:
        name: of the stream, for the error of a full disk.
    """

    def __init__(self, inner: TextIO, name: str) -> None:
        self._inner = inner
        self._name = name

    def write(self, text: str) -> int:
        """Write a text without its secrets."""
        with naming(self._name):
            return self._inner.write(redact(text))

    def flush(self) -> None:
        """Write what is buffered."""
        with naming(self._name):
            self._inner.flush()

    def writelines(self, lines: Any) -> None:
        """Write texts one by one."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._inner)
