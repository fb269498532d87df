from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest

from damlink import Portal
from damlink.errors import BynderError


def quarantined(control: Callable[..., Any]) -> str:
    asset = control("add_asset", name="Odd")["id"]
    return str(control("add_quarantined", id=asset)["id"])


@pytest.mark.parametrize(("status", "shown"), [("APPROVED", "APPROVED"), ("DENIED", "REJECTED")])
def test_asset_when_reviewed_shows_it(
    portal: Portal, control: Callable[..., Any], status: Literal["APPROVED", "DENIED"], shown: str
) -> None:
    first, second = quarantined(control), quarantined(control)
    portal.quarantine.review(first, status=status)
    portal.quarantine.review_all(ids=[second], status=status)
    found = [portal.quarantine.get(each) for each in (first, second)]
    assert [(each.scan_status, each.review_status) for each in found] == [("INFECTED", shown)] * 2


def test_page_of_the_quarantine_when_read_has_the_total(portal: Portal, control: Callable[..., Any]) -> None:
    made = quarantined(control)
    page = portal.quarantine.page()
    assert (page.total, page.items) == (len(page.items), portal.quarantine.list())
    assert made in [each.id for each in page.items]


def test_asset_when_not_in_the_quarantine_is_an_error(portal: Portal) -> None:
    with pytest.raises(BynderError, match="Asset not found"):
        portal.quarantine.get("00000000-0000-0000-0000-000000000001")
