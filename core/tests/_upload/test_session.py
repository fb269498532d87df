from __future__ import annotations

from typing import Any

import pytest
from made_contents import make_session

from damlink import Content


@pytest.mark.parametrize(
    ("size", "filename", "fits"),
    [(10, "beach.bin", True), (11, "beach.bin", False), (10, "sea.jpg", False), (None, "beach.bin", False)],
)
def test_session_when_the_content_is_another_does_not_fit(size: Any, filename: str, fits: bool) -> None:
    assert make_session(10).fits(Content(filename, lambda _: [], size)) is fits


@pytest.mark.parametrize(
    ("opened", "now", "is_proven"),
    [("v", "v", True), ("v", "w", False), ("v", None, False), (None, "v", False), (None, None, False)],
)
def test_session_when_the_validator_is_the_same_is_proven(opened: Any, now: Any, is_proven: bool) -> None:
    content = Content("beach.bin", lambda _: [], 10, validator=now)
    assert make_session(10, validator=opened).is_proven(content) is is_proven
