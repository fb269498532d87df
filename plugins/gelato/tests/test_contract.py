"""What every plugin must do, done by this one."""

from __future__ import annotations

from damlink.testing import Case, ConnectorContract
from damlink_gelato.listing import PAGE


class TestGelato(ConnectorContract):
    plugin = "gelato"

    def test_listing_yields_its_first_asset_before_its_last_page_is_asked_for(self, case: Case) -> None:
        portal = case.sandbox.part("bynder")
        portal.control("settings", {"index_lag": 0.0})
        portal.control("add_asset", {"tags": ["Gelato"], "times": PAGE})
        super().test_listing_yields_its_first_asset_before_its_last_page_is_asked_for(case)
