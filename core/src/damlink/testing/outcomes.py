"""Result of a test's run, with the causes of its failures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from damlink._run.report import RunListener
from damlink._state.rows import Row, RowState

__all__ = ["Failures", "Outcomes"]

_GOOD: Final = frozenset({"pushed", "skipped", "removed"})


class Outcomes(dict[str, int]):
    """Number of assets by the state that a run left them in.

    Attributes:
        causes: why assets are neither pushed nor skipped, by source id.
    """

    def __init__(self, counts: Mapping[str, int], causes: Mapping[str, str]) -> None:
        super().__init__(counts)
        self.causes = dict(causes)

    def __repr__(self) -> str:
        causes = "; ".join(f"{source_id}: {cause}" for source_id, cause in self.causes.items())
        return f"{super().__repr__()} ({causes})" if causes else super().__repr__()


class Failures(RunListener):
    """Keeps the causes of a run's failures."""

    def __init__(self) -> None:
        self.causes: dict[str, str] = {}

    def on_finish(self, row: Row, state: RowState, message: str) -> None:
        """Keep the last cause of a row; a row that ends well after all has none."""
        self.causes.pop(row.source_id, None)
        if state not in _GOOD:
            self.causes[row.source_id] = f"{state.value}: {message}"
