"""What every plugin must do, done by this one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from damlink.testing import ConnectorContract


class TestIStock(ConnectorContract):
    plugin = "istock"
    acts = r"^POST /v3/downloads/"

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        return {
            "sync_after": (datetime.now(UTC) - timedelta(days=450)).date(),  # else it asks for ten years
            "repeat_unclear_downloads": False,  # what it does with true is a test of its own
        }
