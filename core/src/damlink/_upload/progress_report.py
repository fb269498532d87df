"""Progress of one upload in bytes, for the program that waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from damlink._upload.parts import Report
from damlink._upload.session import UploadSession

__all__ = ["Progress", "report_progress"]

Progress = Callable[[int, int], object]
"""Called with the bytes that are sent so far, and with those of the whole file."""


def report_progress(progress: Progress | None, session: UploadSession, report: Report) -> Report:
    """Return a report of bytes that also reports the progress, from one thread at a time.

    Args:
        session: the upload; its parts that the portal has already count as sent.
    """
    if progress is None:
        return report
    sent = min(len(session.digests) * session.part_bytes, session.size)
    turn = threading.Lock()
    progress(sent, session.size)

    def report_both(count: int) -> None:
        nonlocal sent
        report(count)
        with turn:
            sent = min(sent + count, session.size)
            progress(sent, session.size)

    return report_both
