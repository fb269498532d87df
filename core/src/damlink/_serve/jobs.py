"""Jobs of workers, and the port to what runs connectors.

A job is a hint: any may be lost, or be worked twice, without harm. The ledger alone knows what is due, and
the timetable finds it whatever the jobs say.

The port has two implementations: `Schedule` with threads of its own, and `WorkerProcess`, whose jobs the
engine hands out. Both keep the same contract, which is tested with both.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import attrs

from damlink._serve.service import BackgroundService

__all__ = ["Job", "JobKind", "Runner"]


class JobKind(StrEnum):
    """Kind of a job: look what is due, list a connector, carry its rows, process events, or tidy."""

    TIMETABLE = "timetable"
    LIST = "list"
    CARRY = "carry"
    INBOX = "inbox"
    TIDY = "tidy"


@attrs.frozen
class Job:
    """One thing to do.

    Attributes:
        subject: name of the connector, or of the portal.
        worker: number of the worker that is to do it; `None` stands for any.
    """

    kind: JobKind
    subject: str = ""
    worker: int | None = None

    @property
    def lock(self) -> str | None:
        """Lock of which one job is worked at a time, on all machines; `None`: many at once."""
        if self.kind is JobKind.CARRY:
            return None
        # The inbox is one for all portals: they take turns.
        return f"{self.kind} {'' if self.kind is JobKind.INBOX else self.subject}"

    @property
    def waiting_lock(self) -> str:
        """Lock of which one job waits at most, on all machines."""
        return f"{self.kind} {self.subject} {'' if self.worker is None else self.worker}"


class Runner(BackgroundService, Protocol):
    """Background service that lists connectors on time, and carries what is due.

    Several may run on one database, in any processes: a connector is listed by one at a time, and each row is
    carried once. After `stop` no other asset begins; `join` waits for those under way.
    """

    def wake(self) -> None:
        """Have what is due looked for now. Without a call, or if it is lost, it is found a little later."""
