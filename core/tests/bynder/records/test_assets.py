from __future__ import annotations

from typing import Any

import pytest

from damlink.bynder import Asset

ONE = {"id": "1", "type": "original", "version": 1}
TWO = {"id": "2", "type": "original", "version": 2}
WEB = {"id": "w", "type": "web", "version": 3, "active": 1}


@pytest.mark.parametrize(
    ("items", "ids"),
    [([ONE | {"active": 1}, TWO, WEB], ["1"]), ([ONE, TWO, WEB], ["1", "2"]), ([WEB], []), ([], [])],
    ids=["one is active", "none is active", "no original", "no item"],
)
def test_active_originals_when_items_are_known_are_those_or_all(
    items: list[dict[str, Any]], ids: list[str]
) -> None:
    asset = Asset.read({"id": "A", "mediaItems": items})
    assert [item.id for item in asset.active_originals] == ids
