"""The log of the command line: on stderr, as text or JSON lines."""

from __future__ import annotations

import json
import logging
import sys

__all__ = ["configure"]


def configure(level: str, form: str) -> None:
    """Send Damlink's log to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(_JsonLines() if form == "json" else text)
    log = logging.getLogger("damlink")
    log.handlers[:] = [handler]
    log.propagate = False
    log.setLevel(level.upper())


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)
