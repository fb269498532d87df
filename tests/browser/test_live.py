"""Pages that update by themselves in a real browser, while a run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser.chromium import PATIENCE_MILLISECONDS, watch
from ledger_rows import claim
from playwright.sync_api import expect

from damlink._model import PushResult
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.rows import RowState
from damlink._state.runs import Runs

pytestmark = pytest.mark.acceptance

PLACES = {
    "/": "#standings",
    "/connector?connector=stock": "#standing",
    "/runs?connector=stock": "#now",
}


@pytest.mark.parametrize(("address", "place"), PLACES.items(), ids=list(PLACES))
def test_page_when_a_run_goes_on_shows_its_progress_without_a_reload(
    chromium: Any, shown: Any, address: str, place: str
) -> None:
    with watch(chromium, shown.origin, shown.cookies) as watched:
        watched.open(address)
        watched.page.evaluate("window.isThisPage = true")
        texts = [watched.page.inner_text(place)]
        for _ in _run_slowly(shown):
            expect(watched.page.locator(place)).not_to_have_text(
                texts[-1], use_inner_text=True, timeout=PATIENCE_MILLISECONDS
            )
            texts.append(watched.page.inner_text(place))
        assert watched.page.evaluate("window.isThisPage")
    assert "running" in texts[2]


def _run_slowly(shown: Any) -> Iterator[None]:
    """Carry one asset, a step at a time."""
    database = shown.session.database
    runs = Runs(database, "stock")
    with Lease(database, "stock") as lease:
        ledger = Ledger(database, "stock", lease.epoch)
        number = runs.begin(lease.epoch)
        row = next(ledger.rows(RowState.PUSHED))
        ledger.revive(row)
        yield
        row = claim(ledger)
        yield
        ledger.mark_pushed(row, PushResult("again"))
    runs.end(number, 0, {})
    yield
