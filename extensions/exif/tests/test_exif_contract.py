"""A plugin keeps its contract with the extension switched on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from damlink.testing import ConnectorContract


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
