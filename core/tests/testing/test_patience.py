"""How long a rule takes of its own, beside what the machine lets it wait."""

from __future__ import annotations

import pytest

from damlink.testing.patience import Patience, own_seconds


@pytest.mark.parametrize(
    ("worked", "delay", "own"),
    [(0.0, 0.0, 10.0), (1.0, 9.0, 1.0), (10.0, 0.0, 10.0), (2.0, 30.0, 2.0), (19.0, 0.0, 10.0)],
    ids=["waits", "starved", "works", "starved in several threads", "works in several threads"],
)
def test_time_of_its_own_when_ten_seconds_passed_is_without_the_wait_for_a_processor(
    worked: float, delay: float, own: float
) -> None:
    assert own_seconds(10.0, worked, delay) == own


def test_patience_when_looked_at_counts_all_time_once() -> None:
    patience = Patience()
    first = patience.look()
    assert 0 <= first <= patience.look()
    assert patience.starved >= 0
