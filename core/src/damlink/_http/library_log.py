"""The log of httpx, without secrets: it names the whole address of each request, query included."""

from __future__ import annotations

import logging
from typing import Final

from damlink._secret import redact

__all__ = ["redact_library_log"]


class _Redacted(logging.Filter):
    """Filter that redacts every message."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True


_FILTER: Final = _Redacted()


def redact_library_log() -> None:
    """Redact the messages of httpx from now on, wherever a program sends them."""
    logging.getLogger("httpx").addFilter(_FILTER)
