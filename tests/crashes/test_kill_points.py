"""Some of the points at which `make kill-points` kills each case, evenly spread."""

from __future__ import annotations

import pytest
from kill_points.cases import CASES
from kill_points.trial import find_points, kill_at, spread

POINTS = 2


@pytest.mark.servers
@pytest.mark.parametrize("name", CASES)
def test_run_when_killed_at_a_point_loses_nothing_and_doubles_nothing(name: str) -> None:
    killed = [kill_at(name, point) for point in spread(find_points(name), POINTS)]
    assert [(each.outcome.lost, each.outcome.twice) for each in killed] == [((), ())] * POINTS
    assert [each.is_reached for each in killed] == [True] * POINTS
