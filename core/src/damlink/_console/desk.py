"""The session of one request, with the commands that the console has started."""

from __future__ import annotations

from damlink._config.load import Config
from damlink._console.jobs import Jobs
from damlink._run.session import Session

__all__ = ["Desk"]


class Desk(Session):
    """A session that shares database and pace with that of the console.

    Attributes:
        jobs: the commands that the console has started.
    """

    def __init__(self, config: Config, base: Session, jobs: Jobs) -> None:
        super().__init__(config, database=base.database, pace=base.pace)
        self.jobs = jobs
