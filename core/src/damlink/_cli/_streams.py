"""Standard output and standard error without secrets, whoever writes there."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from damlink._secret import redact

__all__ = ["redacted_streams"]


@contextlib.contextmanager
def redacted_streams() -> Iterator[None]:
    """Redact all text that is printed from now on: also tracebacks, and what libraries print.

    Bytes that a person asked for, such as the file of an asset, pass by `sys.stdout.buffer` unchanged.
    """
    with (
        contextlib.redirect_stdout(_Redacted(sys.stdout)),
        contextlib.redirect_stderr(_Redacted(sys.stderr)),
    ):
        yield


class _Redacted:
    """A text stream that writes to another."""

    def __init__(self, inner: TextIO) -> None:
        self._inner = inner

    def write(self, text: str) -> int:
        """Write a text without its secrets."""
        return self._inner.write(redact(text))

    def writelines(self, lines: Any) -> None:
        """Write texts one by one."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._inner)
