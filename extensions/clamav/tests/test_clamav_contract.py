"""A plugin keeps its contract with the extension switched on; what clamd finds is not delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from clamd import Clamd

from damlink.testing import ConnectorContract


class TestIStockWithClamAV(ConnectorContract):
    plugin = "istock"
    acts = r"^POST /v3/downloads/"

    @pytest.fixture
    def settings(self, clamd: Clamd) -> Mapping[str, Any]:
        return {"repeat_unclear_downloads": False, "extensions": {"clamav": {"address": clamd.address}}}
