"""What every plugin must do, done by this one."""

from __future__ import annotations

import pytest

from damlink.testing import ConnectorContract, Trial
from damlink_gelato.listing import PAGE


class TestGelato(ConnectorContract):
    plugin = "gelato"
    reads = r"^POST "
    acts = r"(?!)"  # none: an import may be sent as often as one likes, its key makes it one file

    @pytest.fixture(autouse=True)
    def _tagged_assets(self, trial: Trial) -> None:
        gelato = trial.sandbox.part("gelato")
        gelato.furnish(trial.sandbox.parts)  # type: ignore[attr-defined]

    def ask_partner(self, trial: Trial) -> None:
        for source in trial.source_assets():
            trial.carry(source)

    def listing_requests(self, trial: Trial) -> int:
        return trial.asked("^GET /api/v4/media$", "portal").total()

    def targets(self, trial: Trial) -> list[str]:
        return [file["id"] for file in trial.sandbox.part("gelato").state()["files"]]

    def test_listing_yields_its_first_asset_before_its_last_page_is_asked_for(self, trial: Trial) -> None:
        portal = trial.sandbox.part("bynder")
        portal.control("settings", {"index_lag": 0.0})
        portal.control("add_asset", {"tags": ["Gelato"], "times": PAGE})
        super().test_listing_yields_its_first_asset_before_its_last_page_is_asked_for(trial)
