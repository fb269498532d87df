"""Answers that are changed in any place: each call makes a record of one, or an error of ours.

The answers are given without a connection: what is tried is the reading of them.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Final

import pytest
from changed_answers import changed_answers, faults_of
from portal_actions import Action, all_actions
from portal_answers import all_calls, answer_to

# These read no answer of the portal's own: bytes, those of the storage, or many calls in a row.
OTHERS: Final = {"raw.request", "uploads.chunk", "uploads.file"}
EVERY: Final = [each for each in all_actions() if str(each) not in OTHERS]
# A prime number, so that the sample has other changes of each field.
SAMPLE: Final = 29


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.jpg").write_bytes(b"x")
    return tmp_path / "a.jpg"


def test_call_when_the_client_makes_it_has_a_noted_answer() -> None:
    """If one is missing: python tests/official/note_answers.py"""
    assert [str(call) for call in all_calls() if not answer_to(call)] == []


@pytest.mark.parametrize("action", EVERY, ids=str)
def test_action_when_an_answer_is_changed_anywhere_raises_no_error_but_ours(
    action: Action, file: Path, hurried: None
) -> None:
    sample = [*itertools.islice(changed_answers(action, file), 0, None, SAMPLE)]
    assert (bool(sample), faults_of(action, sample, file)) == (True, [])


@pytest.mark.acceptance
@pytest.mark.parametrize("action", EVERY, ids=str)
def test_action_when_every_answer_is_changed_everywhere_raises_no_error_but_ours(
    action: Action, file: Path, hurried: None
) -> None:
    assert faults_of(action, [*changed_answers(action, file)], file) == []


@pytest.mark.acceptance
def test_changes_when_counted_are_many(file: Path, hurried: None) -> None:
    assert sum(len([*changed_answers(action, file)]) for action in EVERY) >= 37_000
