"""Options of a run, and the signals that end it."""

from __future__ import annotations

import threading
from typing import Final

import attrs

from damlink._run.transfer import MAX_WAIT_SECONDS

__all__ = ["GRACE_SECONDS", "RunOptions", "Stopping"]

# For the hooks under way when a run is to end. A request of ours ends by itself; foreign code may not.
GRACE_SECONDS: Final = 30.0


@attrs.frozen(kw_only=True)
class RunOptions:
    """Options of one run.

    Attributes:
        full: list from the beginning.
        limit: number of assets to carry at most.
        workers: number of transfer threads, in place of the config's.
        events_only: carry what is due, and list nothing.
        carries: carry what is due; if false, only list.
        max_wait: seconds that the run waits for rows that are not ready yet.
        grace: seconds that a run which is to end waits for the hooks under way.
        plan: the saved plan that the run carries, and nothing else; `None` for all that is due.
    """

    full: bool = False
    limit: int | None = None
    workers: int | None = None
    events_only: bool = False
    carries: bool = True
    max_wait: float = MAX_WAIT_SECONDS
    grace: float = GRACE_SECONDS
    plan: str | None = None


@attrs.frozen
class Stopping:
    """Two signals that end a run.

    Attributes:
        soon: begin no other asset, and finish those under way.
        now: send no other request; assets under way keep their checkpoints.
    """

    soon: threading.Event = attrs.field(factory=threading.Event)
    now: threading.Event = attrs.field(factory=threading.Event)
