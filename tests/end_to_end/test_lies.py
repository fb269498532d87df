"""A part of the matrix of `make lies`: each request once at least, and each lie once at least."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from lies import calls, runs
from lies.calls import Desk
from lies.kinds import KINDS
from lies.series import requests_sent_once

# Every third, then the others: each group has kinds of all sorts.
LIES = [lie for first in range(3) for lie in [*KINDS][first::3]]
IN_RUNS = [*zip(runs.RUNS, LIES, strict=False)]
BY_HAND = [*zip(itertools.cycle(calls.CALLS), LIES[len(runs.RUNS) :], strict=False)]


def test_matrix_when_a_request_is_added_must_have_it() -> None:
    assert requests_sent_once() <= {*runs.RUNS, *calls.CALLS}
    assert {lie for _, lie in IN_RUNS + BY_HAND} == set(KINDS)


@pytest.mark.servers
@pytest.mark.parametrize(("name", "lie"), IN_RUNS)
def test_run_when_an_answer_lies_loses_nothing_and_doubles_nothing(name: str, lie: str) -> None:
    told = runs.tell(name, lie)
    assert not told.is_bad, told


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with calls.desk() as opened:
        yield opened


@pytest.mark.servers
@pytest.mark.parametrize(("name", "lie"), BY_HAND)
def test_call_when_its_answer_lies_says_what_it_does_not_know(desk: Desk, name: str, lie: str) -> None:
    told = calls.tell(desk, name, lie)
    assert not told.is_bad, told
