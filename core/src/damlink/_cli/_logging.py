"""The log of the command line: on stderr, as text or JSON lines."""

from __future__ import annotations

import json
import logging
import sys
import textwrap
from typing import Any, Final

from damlink._secret import redact
from damlink._system.printable import json_escaped, one_line, printable

__all__ = ["configure"]

_TEXT: Final = "%(asctime)s %(levelname)s %(message)s"


def configure(level: str, form: str) -> None:
    """Send Damlink's log to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if form == "json" else _Text(_TEXT))
    log = logging.getLogger("damlink")
    log.handlers[:] = [handler]
    log.propagate = False
    log.setLevel(level.upper())


class _Text(logging.Formatter):
    """Formatter of text lines, tracebacks included, without secrets."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        # Indented, so that the text of an exception cannot pass for a line of the log.
        return textwrap.indent(super().formatException(ei), "    ", lambda _line: True)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = one_line(record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return redact(printable(super().format(record)))


class _JsonLines(logging.Formatter):
    """Formatter of JSON lines, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            entry["traceback"] = redact(self.formatException(record.exc_info))
        return json_escaped(json.dumps(entry, ensure_ascii=False))
