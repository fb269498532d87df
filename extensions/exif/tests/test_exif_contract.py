"""A plugin keeps its contract with the extension switched on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from damlink.testing import ConnectorContract, Trial


class TestIStockWithExif(ConnectorContract):
    plugin = "istock"
    acts = r"^POST /v3/downloads/"

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        return {
            "sync_after": None,
            "repeat_unclear_downloads": False,
            "extensions": {"exif": {"fields": ["Artist=photographer"]}},
        }

    def test_check_when_the_portal_lacks_a_metaproperty_shows_the_cause(self, trial: Trial) -> None:
        findings = {each.what: each for each in trial.connector.check(trial.context)}

        assert (findings["EXIF Artist"].ok, "photographer" in findings["EXIF Artist"].detail) == (False, True)
