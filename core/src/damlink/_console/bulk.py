"""Changes to all assets that match a filter, with a result for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from damlink._console.asset_pages import MOST_AT_ONCE, describe_filter, filter_of
from damlink._console.desk import Desk
from damlink._console.page import Page, Query, WrongRequestError, command_text, connector_of
from damlink._run.repair import settle_row, skip_row
from damlink._state.decisions import Decisions
from damlink._state.ledger import Ledger
from damlink._state.rows import Row, RowState
from damlink._state.search import Search
from damlink.errors import RunActiveError

__all__ = ["change_many"]

Act = Callable[[Desk, Ledger, Row], str]


class _LeftError(Exception):
    """An asset is left as it is; the text says why."""


def change_many(desk: Desk, form: Query) -> Page:
    """Change exactly the assets that match a filter, and show what became of each."""
    name, wanted, act = connector_of(desk, form), filter_of(form), form.get("act", "")
    if act not in _ACTS:
        raise WrongRequestError(f"act is one of {', '.join(_ACTS)}")
    ledger = Decisions(desk.database, name)
    results = [(row, _change(desk, ledger, row, _ACTS[act])) for row in _find(desk, name, form)]
    data = {
        "connector": name,
        "filter": describe_filter(wanted),
        "act": act,
        "results": [
            {
                "source_id": row.source_id,
                "title": row.title,
                "was": row.state.value,
                "is_changed": is_changed,
                "result": result,
            }
            for row, (is_changed, result) in results
        ],
        "counts": dict(Counter(result for _, (_, result) in results)),
    }
    return Page("bulk.html", f"Assets of {name}: {_WORDS[act]}", command_text("assets", name), data)


def _find(desk: Desk, name: str, form: Query) -> Sequence[Row]:
    found = Search(desk.database, name).walk(filter_of(form), limit=MOST_AT_ONCE + 1)
    if len(found.rows) > MOST_AT_ONCE:
        raise WrongRequestError(
            f"more than {MOST_AT_ONCE} assets match: narrow the filter; nothing was changed"
        )
    return found.rows


def _change(desk: Desk, ledger: Ledger, row: Row, act: Act) -> tuple[bool, str]:
    """Return whether an asset is changed, and what became of it."""
    try:
        if row.state is RowState.RUNNING:
            raise _LeftError("it is being carried")
        return True, act(desk, ledger, row)
    except _LeftError as error:
        return False, f"left: {error}"
    except RunActiveError:
        return False, "left: it was changed meanwhile"


def _retry(_desk: Desk, ledger: Ledger, row: Row) -> str:
    if row.state is RowState.UNCERTAIN:
        raise _LeftError("decide first whether it has arrived")
    if row.state is RowState.DUE:
        raise _LeftError("it is due")
    ledger.revive(row)
    return "due"


def _skip(_desk: Desk, ledger: Ledger, row: Row) -> str:
    if not skip_row(ledger, row):
        raise _LeftError(f"it is {row.state.value}")
    return "skipped"


def _settle(desk: Desk, ledger: Ledger, row: Row, *, saved: bool) -> str:
    if row.state is not RowState.UNCERTAIN:
        raise _LeftError(f"it is {row.state.value}, not uncertain")
    settle_row(ledger, row, desk.cipher, saved=saved, target_id="")
    return "arrived" if saved else "due"


_ACTS: Final[Mapping[str, Act]] = {
    "retry": _retry,
    "skip": _skip,
    "arrived": lambda desk, ledger, row: _settle(desk, ledger, row, saved=True),
    "again": lambda desk, ledger, row: _settle(desk, ledger, row, saved=False),
}
_WORDS: Final = {
    "retry": "made due again",
    "skip": "skipped",
    "arrived": "settled as arrived",
    "again": "settled as not arrived",
}
